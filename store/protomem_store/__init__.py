"""Keeping a memory on disk: one DuckDB file, transactions, locks and typed errors. Never the network."""

from protomem_store.duckdb_store import DuckDbStore

__all__ = ["DuckDbStore"]
