"""What is asked about each item, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import final

from protomem.codes import Codes
from protomem.errors import InvalidInput, NotRemembered
from protomem.hierarchy import labels_under, level_names
from protomem.inputs import (
    check_among,
    check_flag,
    check_fraction,
    check_name,
    check_separator,
    check_thresholds,
    check_whole,
    listed,
)

__all__ = ["Question", "question"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What is asked about each item; see `Memory.predict`.

    `task` names the labels of `among` until the remembered ones are known. `names` holds the codes int8 (labels, d) of
    the labels' own names, where they are asked to help.
    """

    top_k: int
    evidence: int
    coverage: float | None
    false_alarm: float | None
    among: tuple[str, ...] | None
    task: str | None = None
    per_class: bool = False
    thresholds: Mapping[str, float] = field(default_factory=dict)
    certainty: float | None = None
    separator: str = "/"
    multi_label: bool = False
    explain: bool = False
    name_prior: bool = False
    names: Codes | None = None

    @property
    def compares(self) -> bool:
        """Whether the answer compares an item with remembered examples."""
        return self.coverage is not None or self.false_alarm is not None or self.multi_label

    def about(self, names: Sequence[str]) -> Question:
        """The question to a memory of these labels.

        Raises `NotRemembered` for a label or a task that is none of them.
        """
        among = self.among if self.task is None else labels_under(self.task, names, self.separator)
        _require(among or (), names, "among names labels that are not remembered")
        answerable = names if self.certainty is None else level_names(names, self.separator)
        _require(self.thresholds, answerable, "thresholds names labels that are not remembered")
        return replace(self, among=among, task=None)


def question(
    *,
    top_k: int,
    evidence: int,
    coverage: float | None,
    false_alarm: float | None,
    among: Sequence[str] | str | None,
    per_class: bool,
    thresholds: Mapping[str, float] | None,
    certainty: float | None,
    separator: str,
    multi_label: bool,
    explain: bool,
    name_prior: bool,
) -> Question:
    """A question of these arguments of `Memory.predict`. Raises `InvalidInput` for what cannot be asked."""
    check_whole("top_k", top_k, 1)
    check_whole("evidence", evidence, 0)
    for name, share in (("coverage", coverage), ("false_alarm", false_alarm), ("certainty", certainty)):
        check_fraction(name, share)
    flags = {"per_class": per_class, "multi_label": multi_label, "explain": explain, "name_prior": name_prior}
    for name, flag in flags.items():
        check_flag(name, flag)
    asked = Question(
        top_k=top_k,
        evidence=evidence,
        coverage=coverage,
        false_alarm=false_alarm,
        among=None if isinstance(among, str) else check_among(among),
        task=check_name(among, "among", InvalidInput) if isinstance(among, str) else None,
        per_class=per_class,
        thresholds=check_thresholds(thresholds),
        certainty=certainty,
        separator=check_separator(separator),
        multi_label=multi_label,
        explain=explain,
        name_prior=name_prior,
    )
    _refuse_contradictions(asked)
    return asked


def _refuse_contradictions(asked: Question) -> None:
    if asked.per_class and asked.coverage is None:
        raise InvalidInput("per_class is about label sets: say their coverage too, such as coverage=0.9")
    if asked.multi_label and asked.coverage is not None:
        raise InvalidInput("multi_label gives the set of labels that are likely by themselves: leave coverage out")
    if asked.multi_label and asked.certainty is not None:
        raise InvalidInput("probabilities of multi_label do not add up over a level: leave certainty out")
    if asked.multi_label and asked.name_prior:
        raise InvalidInput("name_prior compares labels, which stand alone with multi_label: leave one of them out")
    if asked.name_prior and asked.coverage is not None:
        raise InvalidInput(
            "label sets compare with examples left out, which are scored without their labels' names: leave out "
            "coverage or name_prior"
        )


def _require(wanted: Sequence[str] | Mapping[str, float], names: Sequence[str], otherwise: str) -> None:
    missing = sorted(set(wanted) - set(names))
    if missing:
        raise NotRemembered(f"{otherwise}: {listed(missing)}; memory.classes() lists the labels")
