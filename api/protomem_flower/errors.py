"""What goes wrong between processes of Flower; errors of memories are those of protomem."""

from __future__ import annotations

from protomem.errors import ProtomemError

__all__ = ["FlowerFailed"]


class FlowerFailed(ProtomemError):
    """A process of Flower did not start, ended early or took too long, or too few clients came."""
