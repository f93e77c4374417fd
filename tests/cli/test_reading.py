"""What is read from CSV, JSONL and Parquet is what is written there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pytest

from protomem.cli.file_query import Columns
from protomem.cli.reading import Batch, ItemFile
from protomem.errors import InvalidId, InvalidInput, InvalidItem, InvalidLabel, InvalidVectors

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def as_parquet(path: Path, select: str) -> Path:
    duckdb.connect().execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return path


def only_batch(path: Path, columns: Columns, **options: str) -> Batch:
    source = ItemFile(path, columns, **options)
    (batch,) = source.batches(source.count)
    return batch


def test_csv_values_come_as_they_are_written(write: Write) -> None:
    path = write(
        "a.csv", 'text,label,id\n# no comment,007,2024-01-01\n"say ""hi"", ok",1e3,True\n"two\nlines",x,3.10\n'
    )
    batch = only_batch(path, Columns(label="label", id="id"))
    assert batch.items == ["# no comment", 'say "hi", ok', "two\nlines"]
    assert batch.labels == ["007", "1e3", "x"]
    assert batch.ids == ["2024-01-01", "True", "3.10"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_may_be_parted_by_comma_semicolon_or_tab(write: Write, separator: str) -> None:
    path = write("a.csv", f"text{separator}label\nhello{separator}a\nthere{separator}b\n")
    batch = only_batch(path, Columns(label="label"))
    assert (batch.items, batch.labels) == (["hello", "there"], ["a", "b"])


def test_jsonl_texts_that_look_like_something_else_stay_texts(write: Write) -> None:
    uuid = "6F9619FF-8B86-D011-B42D-00CF4FC964FF"
    path = write("a.jsonl", f'{{"text": "2024-1-1", "label": "10:00", "id": "{uuid}"}}\n')
    batch = only_batch(path, Columns(label="label", id="id"))
    assert (batch.items, batch.labels, batch.ids) == (["2024-1-1"], ["10:00"], [uuid])


def test_a_list_in_jsonl_is_several_labels(write: Write) -> None:
    path = write("a.jsonl", '{"text": "x", "label": ["a", "b"]}\n{"text": "y", "label": ["c"]}\n')
    assert only_batch(path, Columns(label="label")).labels == [["a", "b"], ["c"]]


def test_a_list_in_parquet_is_several_labels(tmp_path: Path) -> None:
    path = as_parquet(tmp_path / "a.parquet", "SELECT 'x' AS text, ['a', 'b'] AS label, 7 AS id")
    batch = only_batch(path, Columns(label="label", id="id"))
    assert (batch.items, batch.labels, batch.ids) == (["x"], [["a", "b"]], ["7"])


def test_a_separator_parts_several_labels(write: Write) -> None:
    path = write("a.csv", "text,label\nx,a | b\ny,c\n")
    assert only_batch(path, Columns(label="label"), separator="|").labels == [["a", "b"], ["c"]]


def test_vectors_are_the_same_from_every_kind_of_file(write: Write, tmp_path: Path) -> None:
    expected = [[1.0, 0.25], [-3.5, 1e-3]]
    columns = Columns(vectors="v")
    jsonl = write("a.jsonl", '{"v": [1, 0.25]}\n{"v": [-3.5, 0.001]}\n')
    csv = write("a.csv", 'v\n"[1, 0.25]"\n"[-3.5, 0.001]"\n')
    parquet = as_parquet(tmp_path / "a.parquet", "SELECT unnest([[1, 0.25], [-3.5, 0.001]]::DOUBLE[][]) AS v")
    for path in (jsonl, csv, parquet):
        np.testing.assert_array_equal(only_batch(path, columns).items, expected, err_msg=path.suffix)


def test_batches_keep_the_order_and_number_the_rows(write: Write) -> None:
    path = write("a.csv", "text\n" + "".join(f"text {number}\n" for number in range(1, 8)))
    source = ItemFile(path, Columns())
    batches = list(source.batches(3))
    assert source.count == 7
    assert [(batch.first, batch.last) for batch in batches] == [(1, 3), (4, 6), (7, 7)]
    assert [item for batch in batches for item in batch.items] == [f"text {number}" for number in range(1, 8)]


def test_where_selects_rows(write: Write) -> None:
    path = write("a.csv", "text,split\nx,learn\ny,ask\nz,learn\n")
    assert only_batch(path, Columns(), where="split = 'learn'").items == ["x", "z"]


def test_a_subject_may_be_missing(write: Write) -> None:
    path = write("a.csv", "text,who\nx,ann\ny,\n")
    assert only_batch(path, Columns(subject="who")).subjects == ["ann", None]


def test_columns_with_odd_names_are_read(write: Write) -> None:
    path = write("a.jsonl", '{"the \\"text\\"": "x", "it\'s; DROP": "a"}\n')
    batch = only_batch(path, Columns(text='the "text"', label="it's; DROP"))
    assert (batch.items, batch.labels) == (["x"], ["a"])


@pytest.mark.parametrize(
    ("row", "columns", "error", "message"),
    [
        (",a,1", Columns(label="label"), InvalidItem, "row 2 of .* has no text"),
        ("y,,1", Columns(label="label"), InvalidLabel, "row 2 of .* has no label"),
        ("y,a,", Columns(id="id"), InvalidId, "row 2 of .* has no id"),
    ],
)
def test_a_gap_is_named_by_its_row(
    write: Write, row: str, columns: Columns, error: type[InvalidInput], message: str
) -> None:
    path = write("a.csv", f"text,label,id\nx,a,0\n{row}\n")
    with pytest.raises(error, match=message):
        only_batch(path, columns)


@pytest.mark.parametrize("second", ["[1, 2, 3]", "[]", "null"])
def test_vectors_of_other_lengths_are_named_by_their_row(write: Write, second: str) -> None:
    path = write("a.jsonl", f'{{"v": [1, 2]}}\n{{"v": {second}}}\n')
    with pytest.raises(InvalidVectors, match=r"row 2 of .* and row 1 one of 2"):
        only_batch(path, Columns(vectors="v"))


def test_labels_that_are_sometimes_a_list_are_refused(write: Write) -> None:
    path = write("a.jsonl", '{"text": "x", "label": "a"}\n{"text": "y", "label": ["b"]}\n')
    with pytest.raises(InvalidLabel, match="holds lists in some rows and single labels in others"):
        ItemFile(path, Columns(label="label"))


def test_a_missing_column_names_those_there_are(write: Write) -> None:
    path = write("a.csv", "message,intent\nx,a\n")
    with pytest.raises(InvalidInput, match="no column 'text', but 'message', 'intent'"):
        ItemFile(path, Columns())


@pytest.mark.parametrize("name", ["a.txt", "a.json", "a"])
def test_another_ending_names_the_three(write: Write, name: str) -> None:
    with pytest.raises(InvalidInput, match=r"must end in \.csv, \.jsonl or \.parquet"):
        ItemFile(write(name, "text\nx\n"), Columns())


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is not there, or is no file"):
        ItemFile(tmp_path / "nowhere.csv", Columns())


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("broken.jsonl", '{"text": "x"\n', "cannot be read: .*Malformed JSON"),
        ("broken.parquet", "no parquet file", "cannot be read: .*(magic bytes|too small)"),
        ("ragged.csv", 'text,label\n"x",a,b\ny\n', "cannot be read: "),
        ("header.csv", "text,label\n", "has no rows: nothing to do"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(write: Write, name: str, text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        ItemFile(write(name, text), Columns())


@pytest.mark.parametrize(("where", "message"), [("nonsense =", "cannot be read"), ("text = 'q'", "no rows where")])
def test_a_condition_that_selects_nothing_says_so(write: Write, where: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        ItemFile(write("a.csv", "text\nx\n"), Columns(), where)
