"""Run every benchmark that the README quotes, one after the other, each in a process of its own.

`--json FOLDER` saves the numbers of each. The choice of the ensemble is not among them: `choose_ensemble.py`.
"""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Final

QUESTIONS: Final = ("accuracy", "speed", "kernel", "durability", "unlearning", "coverage")


def main() -> int:
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", type=Path, metavar="FOLDER", help="save the numbers of each, as FOLDER/QUESTION.json")
    folder = parser.parse_args().json
    failed = [question for question in QUESTIONS if _run(question, folder)]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _run(question: str, folder: Path | None) -> int:
    save = [] if folder is None else ["--json", str(folder / f"{question}.json")]
    return subprocess.run(
        [sys.executable, str(Path(__file__).with_name(f"{question}.py")), *save], check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
