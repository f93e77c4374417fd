"""What every store does, with the same answers: the one in RAM, the one on disk, and the one reopened all the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.store.samples import id_hash, next_receipt, purge, receipt, write

from protomem.errors import MemoryDamaged
from protomem.listing import Example, Page
from protomem.progress import Progress
from protomem.receipts import Kind, Receipt
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

    def write(self, *writes: Write) -> None:
        self._store.write(*writes)
        self._reopen()

    def _reopen(self) -> None:
        self._store.close()
        self._store = DuckDbStore(self._path, must_exist=True)

    def purge(self, receipt: Receipt, progress: Progress | None = None) -> None:
        self._store.purge(receipt, progress)
        self._reopen()

    def keep_snapshot(self, picture: bytes) -> None:
        self._store.keep_snapshot(picture)
        self._reopen()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


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


def row(number: int, subject: str | None = None) -> Row:
    return Row(f"id-{number}", subject, (f"label-{number % 3}",), bytes([number % 256]) * 8)


def everything(store: Store, after: int = 0) -> list[Row]:
    return sorted((row for batch in store.rows(after) for row in batch), key=lambda row: row.id)


def test_a_new_store_is_empty(store: Store) -> None:
    assert store.settings() == {}
    assert everything(store) == []
    assert store.get(["id-1"]) == {}
    assert store.ids_of_subject("anna") == []
    assert store.receipts() == []
    assert store.last_receipt() is None
    assert store.receipts_of_requests(["request"]) == {}
    assert store.tombstones([id_hash(1)]) == set()
    assert store.snapshot() is None


def test_settings_come_back_as_written(store: Store) -> None:
    settings = {"encoder": "all-MiniLM-L6-v2", "é": "", "empty": "\0"}
    store.create(settings)
    assert store.settings() == settings


def test_arrivals_are_the_numbers_of_the_receipts_that_rows_came_with(store: Store) -> None:
    assert store.arrivals() == {}
    first = write(store, [row(1), row(2), row(3)]).sequence
    second = write(store, [row(each) for each in range(4, 40)]).sequence
    write(store, removed=["id-2"])
    back = write(store, [row(2)], ["id-5"]).sequence
    purge(store)
    later = {f"id-{each}": second for each in range(4, 40) if each != 5}
    assert store.arrivals() == {"id-1": first, "id-3": first, "id-2": back} | later


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


@pytest.mark.parametrize("number", [1, 30])
def test_rows_after_a_receipt_are_those_that_came_with_a_later_one(store: Store, number: int) -> None:
    blocks = [[row(number * block + each) for each in range(number)] for block in range(3)]
    numbers = [write(store, block).sequence for block in blocks]
    again = Row("id-0", None, ("again",), b"")
    numbers.append(write(store, [again], ["id-0"]).sequence)
    assert everything(store, after=numbers[1]) == by_id([*blocks[2], again])
    assert everything(store, after=numbers[2]) == [again]
    assert everything(store, after=numbers[3]) == []
    assert everything(store) == by_id([*blocks[0][1:], *blocks[1], *blocks[2], again])


def by_id(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row.id)


@pytest.mark.parametrize("most", [1, 3])
def test_label_lists_of_any_length_stay_with_their_rows(store: Store, most: int) -> None:
    words = ["a", "b", "c"]
    rows = [Row(f"id-{each:05}", None, tuple(words[: each % (most + 1)]), b"") for each in range(25_000)]
    write(store, rows)
    write(store, removed=[row.id for row in rows[::7]])
    assert everything(store) == [row for number, row in enumerate(rows) if number % 7]


def plain(rows: Sequence[Row]) -> list[Example]:
    """As they are listed, by an order of Python's own."""
    return [
        Example(one.id, one.subject, one.labels, one.item)
        for one in sorted(rows, key=lambda one: list(map(ord, one.id)))
    ]


def test_pages_of_examples_put_together_are_all_of_them(store: Store) -> None:
    texts = [text for text in ODD_TEXTS if text.strip() and "\0" not in text and len(text) < 1_000]
    rows = [Row(text, texts[at - 1], tuple(sorted({text, "all"})), b"codes", "item") for at, text in enumerate(texts)]
    rows += [Row(f"id-{number}", None, ("all",), b"codes") for number in range(25)]
    write(store, rows[::2])
    write(store, rows[1::2])
    listed, after = list[Example](), None
    while page := store.examples(Page(after=after, limit=4)):
        assert len(page) <= 4
        listed += page
        after = page[-1].id
    assert listed == store.examples() == plain(rows)


def test_examples_are_listed_by_label_and_subject_and_from_an_id_on(store: Store) -> None:
    rows = [
        Row(f"id-{number}", ["ann", "bob", None][number % 3], ("a", "b")[: number % 2 + 1], b"codes")
        for number in range(20)
    ]
    write(store, rows)
    for label in (None, "a", "b", "c"):
        for subject in (None, "ann", "nobody"):
            for after in (None, "id-12", "id-122", "z"):
                meant = [
                    one
                    for one in rows
                    if label in (None, *one.labels)
                    and subject in (None, one.subject)
                    and (after is None or one.id > after)
                ]
                assert store.examples(Page(label, subject, after)) == plain(meant)
                assert store.examples(Page(label, subject, after, 3)) == plain(meant)[:3]


def test_receipts_are_listed_from_a_number_on(store: Store) -> None:
    made = [write(store, [row(number)]) for number in range(6)]
    kept = [one.without_ids() for one in made]
    first = made[0].sequence
    assert store.receipts(first) == kept[1:]
    assert store.receipts(first, 2) == kept[1:3]
    assert store.receipts(limit=4) == kept[:4]
    assert store.receipts(made[-1].sequence) == []


def test_receipts_come_back_in_order_and_without_ids(store: Store) -> None:
    kinds: list[Kind] = ["merge", "learn", "withdraw"] * 6 + ["learn"]
    kept = [receipt(number, kind, id_hashes=tuple(map(id_hash, range(number)))) for number, kind in enumerate(kinds, 1)]
    for each in kept:
        store.write(Write(replace(each, ids=("id-1",), unchanged=("id-2",))))
        assert store.last_receipt() == each
    assert store.receipts() == kept
    found = [store.last_receipt(*some) for some in (["merge"], ["merge", "withdraw"], ["purge"])]
    assert found == [kept[15], kept[17], None]


def test_a_receipt_is_found_by_its_request(store: Store) -> None:
    kept = [receipt(1), receipt(2, request=""), receipt(3)]
    for each in kept:
        store.write(Write(each))
    assert store.receipts_of_requests([kept[2].request, id_hash(99)]) == {kept[2].request: kept[2]}
    assert store.receipts_of_requests([each.request for each in (kept[0], kept[2])]) == {
        each.request: each for each in (kept[0], kept[2])
    }
    assert store.receipts_of_requests([id_hash(99)]) == store.receipts_of_requests([]) == {}


def test_what_was_buried_stays_so_until_it_is_raised(store: Store) -> None:
    hashes = [id_hash(number) for number in range(100)]
    store.write(Write(receipt(1), buried=hashes[:60]))
    store.write(Write(receipt(2), buried=hashes[50:70]))  # ten of them twice
    assert store.tombstones(hashes) == set(hashes[:70])
    store.write(Write(receipt(3), raised=hashes[55:65]))
    assert store.tombstones(hashes) == {*hashes[:55], *hashes[65:70]}
    assert store.tombstones(hashes[60:]) == set(hashes[65:70])
    assert store.tombstones([]) == set()


def test_what_is_raised_and_buried_in_one_write_is_buried(store: Store) -> None:
    store.write(Write(receipt(1), buried=[id_hash(1)]))
    store.write(Write(receipt(2), buried=[id_hash(1)], raised=[id_hash(1)]))
    assert store.tombstones([id_hash(1)]) == {id_hash(1)}


def test_a_write_that_fails_buries_and_raises_nothing(store: Store) -> None:
    store.write(Write(receipt(1), buried=[id_hash(1)]))
    with pytest.raises(MemoryDamaged, match="nothing"):
        store.write(Write(receipt(2), removed=["never there"], buried=[id_hash(2)], raised=[id_hash(1)]))
    assert store.tombstones([id_hash(1), id_hash(2)]) == {id_hash(1)}
    assert store.receipts() == [receipt(1)]


def changes(rows: int) -> list[Write]:
    """Four changes: each is about what the one before brought, and the last about what was there."""
    first, second, third, fourth = (next_receipt(kind) for kind in ("learn", "forget", "learn", "forget"))
    come = [row(each, "anna") for each in range(100, 100 + rows)]
    again = Row("id-100", "ben", ("other",), b"other")
    return [
        Write(first, come, raised=[id_hash(1)]),
        Write(second, removed=[one.id for one in come[:2]], buried=[id_hash(2), id_hash(3)]),
        Write(third, [again], raised=[id_hash(2)]),
        Write(fourth, removed=["id-1", "id-100"], buried=[id_hash(1)]),
    ]


@pytest.mark.parametrize("rows", [2, 40])
def test_several_changes_in_one_write_are_the_same_as_one_by_one(store: Store, rows: int) -> None:
    single = RamStore()
    for each in (single, store):
        each.write(Write(receipt(1), [row(1), row(2)], buried=[id_hash(1)]))
    group = changes(rows)
    for change in group:
        single.write(change)
    store.write(*group)
    hashes = [id_hash(number) for number in range(1, 4)]
    assert store.tombstones(hashes) == single.tombstones(hashes) == {id_hash(1), id_hash(3)}
    assert everything(store) == everything(single)
    assert store.receipts() == single.receipts()
    assert store.arrivals() == single.arrivals()
    assert store.last_receipt() == single.last_receipt()


@pytest.mark.parametrize("twice", [["id-1"], ["id-100"]], ids=["there before", "come with the group"])
def test_if_one_of_several_changes_cannot_be_kept_none_is(store: Store, twice: list[str]) -> None:
    """A row cannot go twice."""
    store.write(Write(receipt(1), [row(1), row(2)], buried=[id_hash(1)]))
    group = [*changes(40), Write(next_receipt("forget"), removed=twice)]
    with pytest.raises(MemoryDamaged, match=r"were to go .*nothing was changed"):
        store.write(*group)
    assert everything(store) == [row(1), row(2)]
    assert store.tombstones([id_hash(1), id_hash(2)]) == {id_hash(1)}
    assert store.receipts() == [receipt(1)]
    store.write(*changes(40))
    assert len(store.receipts()) == 5


@pytest.mark.parametrize("number", [0, 1, 30_000])
def test_a_purge_keeps_all_that_is_remembered(store: Store, number: int) -> None:
    store.create({"encoder": "vectors"})
    rows = [row(each, "anna") for each in range(number)]
    came = write(store, rows)
    forgot = next_receipt("forget")
    store.write(Write(forgot, [row(each) for each in (-1, -2)], [row.id for row in rows[::3]], [id_hash(1)]))
    purged, told = next_receipt("purge"), []
    store.purge(purged, lambda done, total: told.append((done, total)))
    left = [row for place, row in enumerate(rows) if place % 3]
    assert everything(store) == by_id([*left, row(-1), row(-2)])
    assert everything(store, after=came.sequence) == by_id([row(-1), row(-2)])
    assert told == sorted(told)
    assert told[-1] == (len(left) + 2,) * 2
    assert store.receipts() == [came, forgot, purged]
    assert store.last_receipt() == purged
    assert store.tombstones([id_hash(1), id_hash(2)]) == {id_hash(1)}
    assert store.settings() == {"encoder": "vectors"}
    write(store, [row(-3)], ["id--1"])
    assert store.get(["id--1", "id--2", "id--3"]) == {"id--2": row(-2), "id--3": row(-3)}


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
    for _ in range(2):
        assert store.close() is None  # type: ignore[func-returns-value]  # and raises nothing


# ---------------------------------------------------------------------------------------------------------------- parts


def test_parts_are_kept_by_name_until_they_are_dropped(store: Store) -> None:
    assert store.parts() == []
    assert store.part("client-1") is None
    store.keep_part("client-1", b"one")
    store.keep_part("merged-10", b"")
    store.keep_part("client-1", b"another")
    assert store.parts() == ["client-1", "merged-10"]
    assert (store.part("client-1"), store.part("merged-10")) == (b"another", b"")
    store.drop_parts(["client-1"])
    assert (store.parts(), store.part("client-1")) == (["merged-10"], None)
    store.drop_parts([])
    assert store.parts() == ["merged-10"]


def test_parts_outlive_writes_and_purges(store: Store) -> None:
    store.keep_part("sent-1", b"sums")
    write(store, [row(1)])
    purge(store)
    assert store.part("sent-1") == b"sums"
