"""retain="items" keeps the texts, shows them as evidence, and forgets them with their examples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import protomem

if TYPE_CHECKING:
    from tests.conftest import LetterEncoder

TEXTS = {
    "1": ("where is my card", "card"),
    "2": ("my card has not arrived", "card"),
    "3": ("please refund me", "money"),
    "4": ("I want my money back", "money"),
}


@pytest.fixture(params=["ram", "duckdb"])
def memory(request: pytest.FixtureRequest, tmp_path: Path, letters: type[LetterEncoder]) -> protomem.Memory:
    path = None if request.param == "ram" else tmp_path / "texts.duckdb"
    memory = protomem.open(path, encoder=letters(), retain="items", width=64)
    teach(memory)
    return memory


def teach(memory: protomem.Memory) -> None:
    texts, labels = zip(*TEXTS.values(), strict=True)
    memory.learn(list(texts), list(labels), ids=list(TEXTS), subjects=["ann", "bob", "ann", None])


def shown(memory: protomem.Memory) -> dict[str, str | None]:
    (answer,) = memory.predict(["where is my card?"], evidence=4)
    return {one.id: one.item for one in answer.evidence}


def test_evidence_shows_the_texts(memory: protomem.Memory) -> None:
    assert shown(memory) == {id: text for id, (text, _) in TEXTS.items()}
    (answer,) = memory.predict(["where is my card?"], evidence=1)
    assert [(one.id, one.item, one.labels) for one in answer.evidence] == [("1", "where is my card", ("card",))]


def test_examples_list_the_texts(memory: protomem.Memory) -> None:
    assert {one.id: (one.item, one.labels[0]) for one in memory.examples()} == TEXTS
    assert [one.id for one in memory.examples(subject="ann")] == ["1", "3"]
    assert [one.id for one in memory.examples(label="money")] == ["3", "4"]


def test_a_page_of_examples_is_a_part_of_the_list(memory: protomem.Memory) -> None:
    memory.forget(ids=["2"])
    memory.learn(["a new card"], ["card"], ids=["10"], subjects=["ann"])
    everything = list(memory.examples())
    assert [one.id for one in everything] == ["1", "10", "3", "4"]
    assert list(memory.examples(after="1", limit=2)) == everything[1:3]
    assert list(memory.examples(subject="ann", after="1")) == everything[1:3]
    assert list(memory.examples(label="card", limit=1)) == everything[:1]
    assert memory.receipts(after=1, limit=1) == memory.receipts()[1:2]


@pytest.mark.parametrize(
    ("wrong", "error", "match"),
    [
        ({"label": ""}, protomem.InvalidLabel, "label is empty"),
        ({"subject": 5}, protomem.InvalidId, "subject is a int"),
        ({"after": "half \ud800"}, protomem.InvalidId, "after holds"),
        ({"limit": 0}, protomem.InvalidInput, "limit is 0: it must be a whole number, at least 1"),
    ],
)
def test_a_page_that_cannot_be_is_refused(
    memory: protomem.Memory, wrong: dict, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        memory.examples(**wrong)


def test_receipts_before_the_first_are_refused(memory: protomem.Memory) -> None:
    with pytest.raises(protomem.InvalidInput, match="after is -1: it must be a whole number, at least 0"):
        memory.receipts(after=-1)
    with pytest.raises(protomem.InvalidInput, match="limit is 'all'"):
        memory.receipts(limit="all")


def test_a_forgotten_text_is_shown_no_more(memory: protomem.Memory) -> None:
    shown(memory)
    memory.forget(subject="ann")
    assert shown(memory) == {id: TEXTS[id][0] for id in ("2", "4")}
    assert [one.item for one in memory.examples()] == [TEXTS["2"][0], TEXTS["4"][0]]


def test_texts_are_not_part_of_the_digest(memory: protomem.Memory, letters: type[LetterEncoder]) -> None:
    """They are not learned from: a memory that keeps codes only has the same sums and the same answers but for them."""
    with protomem.open(None, encoder=letters(), width=64) as codes_only:
        teach(codes_only)
        assert codes_only.digest() == memory.digest()
        assert set(shown(codes_only).values()) == {None}
        one, other = (some.predict(["my money"], evidence=0) for some in (memory, codes_only))
        assert one == other


def test_reopening_keeps_the_texts(tmp_path: Path, letters: type[LetterEncoder]) -> None:
    path = tmp_path / "texts.duckdb"
    with protomem.open(path, encoder=letters(), retain="items", width=64) as memory:
        teach(memory)
        digest, before = memory.digest(), shown(memory)
    with protomem.open(path, encoder=letters()) as memory:
        assert memory.settings.retain == "items"
        assert (memory.digest(), shown(memory)) == (digest, before)
        assert memory.verify().ok


def test_the_same_text_under_its_id_is_left_alone_and_another_is_a_conflict(memory: protomem.Memory) -> None:
    digest = memory.digest()
    receipt = memory.learn(["where is my card"], ["card"], ids=["1"], subjects=["ann"])
    assert (receipt.count, receipt.ids, receipt.unchanged) == (0, (), ("1",))
    with pytest.raises(protomem.IdConflict, match="id '1' is remembered with other content"):
        memory.learn(["where is my  card"], ["card"], ids=["1"], subjects=["ann"])
    assert memory.digest() == digest
    assert shown(memory) == {id: text for id, (text, _) in TEXTS.items()}


def test_texts_an_encoder_maps_to_the_same_codes_are_told_apart(memory: protomem.Memory) -> None:
    """The double ignores case, so that codes are equal and texts are not."""
    with pytest.raises(protomem.IdConflict, match="id '1' is remembered with other content"):
        memory.learn(["WHERE is my card"], ["card"], ids=["1"], subjects=["ann"])


def test_an_encoder_that_depends_on_the_batch_may_differ_by_a_step(letters: type[LetterEncoder]) -> None:
    """Only codes are kept: a repeat within one step of the grid is the same content, beyond it is not."""
    encoder = letters("unsteady", wobble=1e-9)
    with protomem.open(None, encoder=encoder, width=64) as memory:
        memory.learn(["where is my card"], ["card"], ids=["1"])
        codes = memory.digest()
        encoder.wobble = 0.02
        with protomem.open(None, encoder=encoder, width=64) as other:
            other.learn(["where is my card"], ["card"], ids=["1"])
            assert other.digest() != codes  # the codes did differ
        assert memory.learn(["where is my card"], ["card"], ids=["1"]).unchanged == ("1",)
        encoder.wobble = 1.0
        with pytest.raises(protomem.IdConflict, match="id '1' is remembered with other content"):
            memory.learn(["where is my card"], ["card"], ids=["1"])


def test_a_reproducible_encoder_may_not_differ_at_all(letters: type[LetterEncoder]) -> None:
    encoder = letters()
    with protomem.open(None, encoder=encoder, width=64) as memory:
        memory.learn(["where is my card"], ["card"], ids=["1"])
        encoder.wobble = 0.02
        with pytest.raises(protomem.IdConflict, match="id '1' is remembered with other content"):
            memory.learn(["where is my card"], ["card"], ids=["1"])


def test_what_keeps_no_text_cannot_retain_items() -> None:
    with pytest.raises(protomem.InvalidInput, match=r'retain="items" keeps texts, .* takes none: use "codes"'):
        protomem.open(None, encoder=protomem.Vectors(3), retain="items")
    with pytest.raises(protomem.InvalidInput, match="retain is 'everything': it must be one of codes, items"):
        protomem.open(None, encoder=protomem.Vectors(3), retain="everything")  # type: ignore[arg-type]
