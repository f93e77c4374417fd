"""What every store does, with the same answers: the one in RAM, the one on disk, and the one reopened all the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from protomem.receipts import Receipt
from protomem.store import RamStore, Row, Store, Write
from protomem_store import DuckDbStore

ODD_TEXTS = ["", " ", "\0", "a\0b", "é", "e\u0301", "\U0001f600", "'; DROP TABLE examples; --", "x" * 100_000, "\n\r\t"]


class Reopened:
    """A store on disk that is closed and opened again after every change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._store = DuckDbStore(path)

    def create(self, settings: Mapping[str, str]) -> None:
        self._store.create(settings)
        self._reopen()

    def write(self, write: Write) -> None:
        self._store.write(write)
        self._reopen()

    def _reopen(self) -> None:
        self._store.close()
        self._store = DuckDbStore(self._path, must_exist=True)

    def settings(self) -> Mapping[str, str]:
        return self._store.settings()

    def rows(self) -> Iterator[Sequence[Row]]:
        return self._store.rows()

    def get(self, ids: Sequence[str]) -> dict[str, Row]:
        return self._store.get(ids)

    def ids_of_subject(self, subject: str) -> list[str]:
        return self._store.ids_of_subject(subject)

    def receipts(self) -> list[Receipt]:
        return self._store.receipts()

    def close(self) -> None:
        self._store.close()


KINDS: dict[str, Callable[[Path], Store]] = {
    "ram": lambda path: RamStore(),
    "duckdb": DuckDbStore,
    "duckdb reopened": Reopened,
}


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    store = KINDS[request.param](tmp_path / "memory.duckdb")
    yield store
    store.close()


def receipt(number: int = 0) -> Receipt:
    return Receipt(f"receipt-{number}", "learn", number, "before", "after", "2026-11-20T12:00:00Z")


def row(number: int, subject: str | None = None) -> Row:
    return Row(f"id-{number}", subject, (f"label-{number % 3}",), bytes([number % 256]) * 8)


def write(store: Store, added: Sequence[Row] = (), removed: Sequence[str] = ()) -> None:
    store.write(Write(receipt(), added, removed))


def everything(store: Store) -> list[Row]:
    return sorted((row for batch in store.rows() for row in batch), key=lambda row: row.id)


def test_a_new_store_is_empty(store: Store) -> None:
    assert store.settings() == {}
    assert everything(store) == []
    assert store.get(["id-1"]) == {}
    assert store.ids_of_subject("anna") == []
    assert store.receipts() == []


def test_settings_come_back_as_written(store: Store) -> None:
    settings = {"encoder": "all-MiniLM-L6-v2", "é": "", "empty": "\0"}
    store.create(settings)
    assert store.settings() == settings


# One row, both sides of the number from which Arrow carries them, and more than one batch.
@pytest.mark.parametrize("number", [1, 23, 24, 10_001])
def test_rows_come_back_as_written(store: Store, number: int) -> None:
    rows = [row(each) for each in range(number)]
    write(store, rows)
    assert everything(store) == sorted(rows, key=lambda row: row.id)


@pytest.mark.parametrize("copies", [1, 5])
def test_any_text_and_any_bytes_come_back_bit_for_bit(store: Store, copies: int) -> None:
    rows = [
        Row(f"{text}{copy}", text if copy % 2 else None, (text, *ODD_TEXTS[:copy]), bytes(range(256)) * copy, text)
        for text in ODD_TEXTS
        for copy in range(copies)
    ]
    write(store, rows)
    assert everything(store) == sorted(rows, key=lambda row: row.id)
    assert store.get([row.id for row in rows]) == {row.id: row for row in rows}


def test_absent_and_empty_are_told_apart(store: Store) -> None:
    rows = [Row("absent", None, (), b"", None), Row("empty", "", ("",), b"\0", "")]
    write(store, rows)
    assert everything(store) == rows


def test_get_leaves_out_what_is_not_there(store: Store) -> None:
    write(store, [row(1), row(2)])
    assert store.get([]) == {}
    assert store.get(["id-2", "unknown", "id-2"]) == {"id-2": row(2)}


def test_ids_of_a_subject_are_sorted_by_code_point(store: Store) -> None:
    ids = ["b", "a", "é", "z", "\U0001f600", "\uffee", "A", "\0"]
    write(store, [Row(id, "anna", ("label",), b"") for id in ids])
    write(store, [row(1, "ben"), row(2, None), row(3, "ann\u0430")])
    assert store.ids_of_subject("anna") == sorted(ids)
    assert store.ids_of_subject("nobody") == []


def test_removed_rows_are_gone_and_the_others_stay(store: Store) -> None:
    write(store, [row(each, "anna") for each in range(100)])
    write(store, removed=[f"id-{each}" for each in range(0, 100, 2)])
    left = [row(each, "anna") for each in range(1, 100, 2)]
    assert everything(store) == sorted(left, key=lambda row: row.id)
    assert store.get(["id-4", "id-5"]) == {"id-5": row(5, "anna")}
    assert store.ids_of_subject("anna") == sorted(row.id for row in left)


def test_one_write_can_replace_a_row(store: Store) -> None:
    write(store, [row(1), row(2)])
    again = Row("id-1", "ben", ("other",), b"other")
    write(store, [again], ["id-1"])
    assert everything(store) == [again, row(2)]


def test_receipts_come_back_in_order_and_without_ids(store: Store) -> None:
    kept = [receipt(number) for number in range(20)]
    for each in kept:
        store.write(Write(Receipt(each.id, each.kind, each.count, "before", "after", each.at, ("id-1",), ("id-2",))))
    assert store.receipts() == kept


def test_a_reading_sees_what_was_there_when_it_began(store: Store) -> None:
    write(store, [row(each) for each in range(15_000)])
    reading = store.rows()
    seen = len(next(reading))
    write(store, [row(20_000)])
    if isinstance(store, Reopened):
        pytest.skip("a reading ends when its store is closed")
    assert seen + sum(map(len, reading)) == 15_000


def test_readings_do_not_disturb_each_other_or_a_write(store: Store) -> None:
    rows = [row(each) for each in range(12_000)]
    write(store, rows)
    one, other = store.rows(), store.rows()
    next(one)
    next(other)
    del one  # abandoned halfway
    assert store.get(["id-7"]) == {"id-7": row(7)}
    write(store, removed=["id-7"])
    assert len(everything(store)) == 11_999


def test_closing_twice_is_allowed(store: Store) -> None:
    store.close()
    store.close()
