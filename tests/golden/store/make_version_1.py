"""Make `version_1.duckdb.gz`, a memory in format version 1 as release 0.1 of November 2026 wrote it.

Run with the code of that release on the path, which is that of commit 6c27923 and before:

    git archive 6c27923 protomem/protomem store/protomem_store | tar -x -C SCRATCH
    PYTHONPATH=SCRATCH/protomem:SCRATCH/store python tests/golden/store/make_version_1.py
"""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import protomem

MADE = Path(__file__).with_name("version_1.duckdb.gz")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "version_1.duckdb"
        with protomem.open(file, encoder=protomem.Vectors(4), width=16) as memory:
            vectors = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
            labels = ["card", ["loan", "card"], "loan", "account"]
            ids, subjects = ["id-1", "id-2", "id-3", "id-4"], ["anna", None, "ben", "anna"]
            memory.learn(vectors, labels, ids=ids, subjects=subjects)
            memory.forget(ids=["id-3"])
            memory.learn([[1, 1, 0, 0]], ["card"], ids=["id-5"])
        MADE.write_bytes(gzip.compress(file.read_bytes(), mtime=0))


if __name__ == "__main__":
    main()
