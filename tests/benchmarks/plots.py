"""What the benchmarks saved, as pictures: PNG files wide enough for a README.

    python tests/benchmarks/plots.py FOLDER [--to FOLDER]

reads the `.json` files that `run_all.py --json FOLDER` wrote, and draws what it finds there.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np

mpl.use("Agg")  # draws into files: no display is asked for

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from plot_style import COLOURS, MEMORY, STYLE, WIDTH, legend, line

Numbers = dict[str, Any]

DATA_SETS: Final = ("CLINC150", "BANKING77")
METHODS: Final = {
    "logistic regression": "LogisticRegression",
    "linear SVM": "LinearSVC",
    "kNN": "KNeighborsClassifier",
    "nearest class mean": "NearestCentroid",
    "ridge": "RidgeClassifier",
    MEMORY: MEMORY,
}
"""The first word of the names of a family's members; the last is drawn on top."""
OPTION: Final = "protomem, kernel_rows="
"""How the name begins of the memory that solves all examples as one kernel."""
OPTIONAL: Final = {
    "adaptive-classifier": ("adaptive-classifier", "D:"),
    "setfit": ("SetFit, which trains the encoder", "D"),
}
SIZES: Final = {"1 a class": 1, "5 a class": 5, "10 a class": 10, "all": 110}
"""Where on the axis: CLINC150 has 100 training examples a class, BANKING77 130 on average."""

FEWEST: Final = 20
"""Answers of a bin that is drawn; the error counts every bin."""
COURSES: Final = {
    "MLPClassifier, trained on each step alone": ("network", "network, trained on each step alone"),
    "NearestCentroid (cosine)": ("nearest class mean", "nearest class mean"),
    "LogisticRegression, fitted anew on everything seen": ("logistic regression", "logistic regression, fitted anew"),
    MEMORY: (MEMORY, "protomem, step by step"),
}
"""By method the colour and the label of its line."""
HIDDEN: Final = ("LogisticRegression, fitted anew on everything seen",)
"""Lines so near to protomem's that they are drawn dashed on top of it."""
CLOSER: Final = (84, 100.5)
"""Percent right: where all lines but the network's are."""
DETECTORS: Final = {
    "cosine of the nearest": COLOURS["kNN"],
    "cosine of the": "#882255",
    "probability, LogisticRegression": COLOURS["logistic regression"],
    "Mahalanobis": COLOURS["nearest class mean"],
    "LocalOutlierFactor": COLOURS["ridge"],
}
"""How the names of detectors begin; each has the colour of the classifier that it is nearest to."""


def main() -> int:
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the benchmarks saved their numbers")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="where the pictures go (default: beside them)")
    options = parser.parse_args()
    target = options.to or options.folder
    target.mkdir(parents=True, exist_ok=True)
    found = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(options.folder.glob("*.json"))}
    drawn = [question for question in PICTURES if question in found]
    for question in drawn:
        _picture(PICTURES[question], found, target / f"{question}.png")
    print(f"drew {', '.join(drawn) or 'nothing: no numbers that a picture is made of'} in {target}")
    return 0 if drawn else 1


def _picture(draw: Callable[[Numbers], Figure], found: Numbers, file: Path) -> None:
    with mpl.rc_context(STYLE):
        figure = draw(found)
        figure.savefig(file, pil_kwargs={"optimize": True})
        plt.close(figure)


def accuracy(found: Numbers) -> Figure:
    """Accuracy against examples a class; of a family the best member at each size. Below, against the best of all."""
    shape = {"height_ratios": (3, 2)}
    figure, axes = plt.subplots(2, 2, figsize=(WIDTH, 6.2), layout="constrained", sharex=True, gridspec_kw=shape)
    for (above, below), name in zip(axes.T, DATA_SETS, strict=True):
        runs = found["accuracy"]["percent"][name]
        means = {family: np.array([_best(runs[size], word) for size in SIZES]) for family, word in METHODS.items()}
        best = np.max([mean for family, mean in means.items() if family not in (MEMORY, "ridge")], axis=0)
        for family, mean in means.items():
            line(above, list(SIZES.values()), mean.tolist(), family)
            line(below, list(SIZES.values()), (mean - best).tolist(), family)
        _option(above, below, runs["all"], best[-1])
        _peers(above, found, name)
        above.set(title=name, xscale="log")
        below.set(xlabel="training examples a class", ylim=(-6, 2))
        below.set_xticks(list(SIZES.values()), ["1", "5", "10", "all"])
        below.minorticks_off()
    axes[0, 0].set_ylabel("right on the test split, %")
    axes[1, 0].set_ylabel("points above the best of\nLR, SVM, kNN, class mean")
    legend(figure, axes[0], 4)
    figure.suptitle(f"Accuracy on the same frozen MiniLM vectors, best setting of each peer; {_draws(found)}")
    return figure


def _best(runs: Numbers, word: str) -> float:
    """The highest mean among the methods of this first word."""
    return float(max(np.mean(values) for method, values in runs.items() if f"{method} ".startswith(f"{word} ")))


def _draws(found: Numbers) -> str:
    """How many draws the points of few examples are means of."""
    count = len(found["accuracy"]["percent"][DATA_SETS[0]]["1 a class"][MEMORY])
    return "one draw of few examples" if count == 1 else f"few examples: means of {count} draws"


def _option(above: Axes, below: Axes, runs: Numbers, best: float) -> None:
    """The memory that solves all examples as one kernel, where it was asked: a diamond at all examples."""
    look: Numbers = {"color": COLOURS[MEMORY], "markersize": 8, "fillstyle": "none", "zorder": 4, "linestyle": ""}
    for method in runs:
        if method.startswith(OPTION):
            percent = float(np.mean(runs[method]))
            above.plot(SIZES["all"], percent, "D", label=method, **look)
            below.plot(SIZES["all"], percent - best, "D", **look)


def _peers(axis: Axes, found: Numbers, name: str) -> None:
    """The optional peers, where their answers are kept: of fewer draws than the others', which the legend says."""
    sizes = found.get("peers", {}).get("percent", {}).get(name, {})
    for peer, (label, look) in OPTIONAL.items():
        runs = {SIZES[size]: methods[peer][peer] for size, methods in sizes.items() if peer in methods}
        if runs:
            places = sorted(runs)
            means = [float(np.mean(runs[place])) for place in places]
            axis.plot(places, means, look, color=COLOURS[peer], markersize=4, label=f"{label}{_fewest(found, peer)}")


def _fewest(found: Numbers, peer: str) -> str:
    """How many draws a peer answered, where they are fewer than the others'."""
    few = [runs for sizes in found["peers"]["percent"].values() for size, runs in sizes.items() if size != "all"]
    counts = {len(runs[peer][peer]) for runs in few if peer in runs}
    most = len(found["accuracy"]["percent"][DATA_SETS[0]]["1 a class"][MEMORY])
    return f" (draws: {' or '.join(map(str, sorted(counts)))})" if counts - {most} else ""


def increments(found: Numbers) -> Figure:
    """Accuracy over the classes seen, step by step; below the same, closer."""
    shape = {"height_ratios": (3, 2)}
    figure, axes = plt.subplots(
        2, 2, figsize=(WIDTH, 5.6), layout="constrained", sharex="col", sharey="row", gridspec_kw=shape
    )
    for column, name in zip(axes.T, DATA_SETS, strict=True):
        courses = found["increments"]["courses"][name]
        steps = len(courses[MEMORY]["seen"])
        for axis in column:
            for method, (colour, label) in COURSES.items():
                (drawn,) = line(axis, list(range(1, steps + 1)), courses[method]["seen"], colour, label)
                if method in HIDDEN:
                    drawn.set(linestyle="--", zorder=4)
            look: Numbers = {"color": COLOURS[MEMORY], "markersize": 11, "fillstyle": "none", "linestyle": ""}
            axis.plot(steps, courses[MEMORY]["joint"], "o", label="protomem, all at once", **look)
        column[0].set(title=f"{name}, {steps} steps", ylim=(0, 103))
        column[1].set(xlabel="steps of new classes", ylim=CLOSER, xticks=range(1, steps + 1))
    axes[0, 0].set_ylabel("right on the classes seen, %")
    axes[1, 0].set_ylabel("the same, closer, %")
    legend(figure, axes[0], 3)
    figure.suptitle("Classes that arrive step by step: accuracy over all classes seen so far")
    return figure


def reliability(found: Numbers) -> Figure:
    """How often answers are right against how sure they were."""
    figure, axes = plt.subplots(1, 4, figsize=(WIDTH, 2.95), layout="constrained", sharey=True)
    peer = "LogisticRegression C=10"
    cases = [(name, size) for name in DATA_SETS for size in ("all", "10 a class")]
    for axis, (name, size) in zip(axes, cases, strict=True):
        methods = found["calibration"]["sureness"][name][size]
        axis.plot([0, 100], [0, 100], color="#b0b0b0", linewidth=1, linestyle="--")
        for method, label in ((peer, "logistic regression"), (MEMORY, MEMORY)):
            bins = [one for one in methods[method]["bins"] if one[0] >= FEWEST]
            said, was = (100 * np.array([one[part] for one in bins]) for part in (1, 2))
            error = np.mean(methods[method]["error"])
            line(axis, said.tolist(), was.tolist(), label, f"{_short(label)}: {error:.1f}")
        axis.set(title=f"{name}, {size}", xlim=(0, 102), ylim=(0, 102), aspect="equal")
        axis.set_xticks(range(0, 101, 25))
        axis.set_yticks(range(0, 101, 25))
        axis.legend(loc="lower right", title="calibration error, %", fontsize=8, title_fontsize=8, handlelength=1)
    axes[0].set_ylabel("right, %")
    figure.supxlabel("probability of the answer, %", fontsize=9)
    figure.suptitle(f"Stated probability against how often answers are right (bins of {FEWEST} answers or more)")
    return figure


def _short(label: str) -> str:
    return "LR, C=10" if label == "logistic regression" else label


def novelty(found: Numbers) -> Figure:
    """ROC of finding texts that belong to no class."""
    figure, axis = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    for method, one in found["novelty"]["found"].items():
        colour = next((colour for begins, colour in DETECTORS.items() if method.startswith(begins)), COLOURS[MEMORY])
        wide = 2.4 if method == MEMORY else 1.2
        label = f"{one['auroc']:.3f}  {method}"
        alarms, recall = 100 * np.array(one["alarms_curve"]), 100 * np.array(one["recall_curve"])
        axis.plot(alarms, recall, color=colour, linewidth=wide, label=label, zorder=wide + 1)
    mine = found["novelty"]["found"][MEMORY]
    asked = (mine["user_alarms"], mine["user_recall"])
    look: Numbers = {"color": COLOURS[MEMORY], "markersize": 9, "fillstyle": "none", "linestyle": ""}
    axis.plot(*asked, "o", label="protomem, asked for false_alarm=0.05", **look)
    axis.axvline(5, color="#b0b0b0", linewidth=1, linestyle="--")
    axis.text(5.3, 2, "5 % false alarms", color="#606060", fontsize=8)
    axis.set(xlim=(0, 30), ylim=(0, 100.5), xlabel="false alarms on in-scope texts, %", ylabel="out-of-scope found, %")
    axis.legend(loc="lower right", title="AUROC, detector", bbox_to_anchor=(1.0, 0.06))
    axis.set_title("Novelty on CLINC150: texts of no class told from those of 150 classes")
    return figure


PICTURES: Final[dict[str, Callable[[Numbers], Figure]]] = {
    "accuracy": accuracy,
    "increments": increments,
    "calibration": reliability,
    "novelty": novelty,
}
"""By question, which names the file of numbers and the picture."""


if __name__ == "__main__":
    sys.exit(main())
