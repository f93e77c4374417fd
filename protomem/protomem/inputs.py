"""Checks of what a caller passes, before anything is computed or changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from protomem.errors import InvalidId, InvalidInput, InvalidLabel, InvalidReceipt, LengthMismatch
from protomem.examples import Labels
from protomem.receipts import Receipt

__all__ = [
    "check_among",
    "check_flag",
    "check_fraction",
    "check_ids",
    "check_labels",
    "check_length",
    "check_name",
    "check_receipt",
    "check_separator",
    "check_subjects",
    "check_thresholds",
    "check_whole",
    "listed",
]

MAX_NAME = 1_024
"""Longest id, subject or label in characters. Names are kept in every receipt's reach and shown in tables; a longer one
is a text passed by mistake."""


SHOWN = 3
"""Names listed in an error message before it says how many more there are."""


def check_length(items: Any) -> int:
    """How many items there are; a bare string is one item passed without its list."""
    if isinstance(items, str | bytes):
        raise InvalidInput("items is a single string: pass a list of items, such as [text]")
    try:
        return len(items)
    except TypeError:
        raise InvalidInput(f"items is a {type(items).__name__} without a length: pass a list or an array") from None


def check_labels(labels: Any, count: int) -> list[Labels]:
    """The sorted labels of each item, from one string or several for each."""
    if not _is_list(labels):
        raise InvalidLabel("labels must be a list with one label, or one list of labels, for each item")
    _check_same("labels", len(labels), count)
    return [_labels_of(one, f"labels[{row}]") for row, one in enumerate(labels)]


def check_ids(ids: Any, count: int | None = None) -> list[str]:
    """Ids as a list of strings."""
    if not _is_list(ids) and not (count is None and isinstance(ids, set | frozenset)):
        raise InvalidId("ids must be a list of strings")
    if count is not None:
        _check_same("ids", len(ids), count)
    return [check_name(one, f"ids[{row}]", InvalidId) for row, one in enumerate(ids)]


def check_subjects(subjects: Any, count: int) -> list[str | None]:
    """Subjects as a list of strings and None."""
    if not _is_list(subjects):
        raise InvalidId("subjects must be a list with a string or None for each item")
    _check_same("subjects", len(subjects), count)
    return [None if one is None else check_name(one, f"subjects[{row}]", InvalidId) for row, one in enumerate(subjects)]


def check_receipt(receipt: Any) -> Receipt:
    """A receipt, or the JSON it wrote."""
    if isinstance(receipt, str):
        return Receipt.from_json(receipt)
    if not isinstance(receipt, Receipt):
        raise InvalidReceipt(f"receipt is {_shown(receipt)}: pass what learn gave back, or the JSON of it")
    return receipt


def check_fraction(name: str, value: float | None) -> None:
    """`value` is None or strictly between 0 and 1."""
    if value is not None and not (isinstance(value, float | int) and 0 < value < 1):
        raise InvalidInput(f"{name} is {value!r}: it must lie between 0 and 1, such as 0.9 for 90 %")


def check_whole(name: str, value: int, least: int) -> None:
    """`value` is a whole number of at least `least`."""
    if not isinstance(value, int | np.integer) or value < least:
        raise InvalidInput(f"{name} is {value!r}: it must be a whole number, at least {least}")


def check_flag(name: str, value: bool) -> None:
    """`value` is True or False."""
    if not isinstance(value, bool):
        raise InvalidInput(f"{name} is {value!r}: it must be True or False")


def check_separator(separator: Any) -> str:
    """What stands between the levels of a label: a string that is not empty."""
    if not isinstance(separator, str) or not separator:
        raise InvalidInput(f"separator is {separator!r}: it must be what parts the levels of a label, such as '/'")
    return separator


def check_thresholds(thresholds: Any) -> dict[str, float]:
    """The least probability of each label named, by label; none of None."""
    if thresholds is None:
        return {}
    if not isinstance(thresholds, Mapping):
        raise InvalidInput('thresholds must be a mapping of labels to probabilities, such as {"refund": 0.8}')
    for label, least in thresholds.items():
        check_name(label, "a label of thresholds", InvalidLabel)
        if isinstance(least, bool) or not (isinstance(least, float | int) and 0 <= least <= 1):
            raise InvalidInput(f"thresholds[{label!r}] is {least!r}: it must lie between 0 and 1, such as 0.8 for 80 %")
    return {label: float(least) for label, least in thresholds.items()}


def check_among(among: Any) -> tuple[str, ...] | None:
    """The labels an answer is restricted to, sorted and without repeats, or None."""
    if among is None:
        return None
    if not (_is_list(among) or isinstance(among, set | frozenset)) or not len(among):
        raise InvalidInput("among must be a list with at least one label, or the name of a task")
    return tuple(sorted({check_name(one, f"among[{row}]", InvalidLabel) for row, one in enumerate(among)}))


def listed(names: Sequence[str]) -> str:
    """The first of these names for a message, and how many more there are."""
    more = len(names) - SHOWN
    return ", ".join(repr(name) for name in names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _is_list(value: Any) -> bool:
    """A list, a tuple or an array with a length; no string."""
    return (isinstance(value, Sequence) and not isinstance(value, str | bytes)) or (
        isinstance(value, np.ndarray) and value.ndim > 0
    )


def _labels_of(one: Any, where: str) -> Labels:
    if isinstance(one, str):
        return (check_name(one, where, InvalidLabel),)
    if not (_is_list(one) or isinstance(one, set | frozenset)):
        raise InvalidLabel(f"{where} is {_shown(one)}: a label is a string, or a list of strings for several")
    if not len(one):
        raise InvalidLabel(f"{where} is empty: every item needs at least one label")
    return tuple(sorted({check_name(label, where, InvalidLabel) for label in one}))


def check_name(one: Any, where: str, error: type[InvalidInput]) -> str:
    """One id, subject or label."""
    if not isinstance(one, str):
        raise error(f"{where} is {_shown(one)}: it must be a string")
    if not one.strip():
        raise error(f"{where} is empty: it must be a string with something to read in it")
    if len(one) > MAX_NAME:
        raise error(
            f"{where} has {len(one)} characters: at most {MAX_NAME} are allowed; is it a text instead of a name?"
        )
    if "\0" in one or any("\ud800" <= character <= "\udfff" for character in one):
        raise error(f"{where} holds a NUL or half a surrogate pair, which no file can keep: remove it")
    return str(one)


def _shown(one: Any) -> str:
    return "None" if one is None else f"a {type(one).__name__}"


def _check_same(name: str, found: int, count: int) -> None:
    if found != count:
        raise LengthMismatch(f"{name} has {found} entries for {count} items: pass one for each")
