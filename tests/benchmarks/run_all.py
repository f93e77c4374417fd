"""Run every benchmark that the README quotes, one after the other, each in a process of its own, and draw the pictures.

Numbers and pictures go to `.bench-cache/results/`, or where `--json` says. What defaults were chosen by is not among
them: the scripts `choose_*.py`.
"""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Final

QUESTIONS: Final = (
    "accuracy",
    "increments",
    "imbalance",
    "calibration",
    "coverage",
    "novelty",
    "peers",
    "federation",
    "unlearning",
    "speed",
    "kernel",
    "durability",
    "group_commit",
)
RESULTS: Final = Path(__file__).resolve().parents[2] / ".bench-cache" / "results"


def main() -> int:
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", type=Path, metavar="FOLDER", default=RESULTS, help="numbers: FOLDER/QUESTION.json")
    folder = parser.parse_args().json
    failed = [question for question in QUESTIONS if _run(question, "--json", str(folder / f"{question}.json"))]
    if any(folder.glob("*.json")):
        failed += ["plots"] if _run("plots", str(folder)) else []
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _run(question: str, *settings: str) -> int:
    script = str(Path(__file__).with_name(f"{question}.py"))
    return subprocess.run([sys.executable, script, *settings], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
