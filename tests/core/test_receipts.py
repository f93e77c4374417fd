"""A receipt proves what protomem/RECEIPTS.md says: one golden file for every way in which one can be broken."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

import protomem
from protomem.receipts import Receipt

GOLDEN = Path(__file__).parents[1] / "golden" / "receipts"
PUBLIC_KEY = (GOLDEN / "public_key").read_text(encoding="utf-8").strip()
BROKEN = sorted(path.stem for path in GOLDEN.glob("A*.jsonl"))


def lines(name: str) -> list[str]:
    return (GOLDEN / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()


def valid() -> list[Receipt]:
    return [Receipt.from_json(line) for line in lines("valid")]


def plain_bytes(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


def test_the_golden_history_passes_every_step() -> None:
    receipts = valid()
    assert [receipt.kind for receipt in receipts] == ["learn", "forget", "purge", "learn", "learn"]
    assert [receipt.count for receipt in receipts] == [3, 1, 1, 0, 1]
    assert all(check.ok for check in protomem.audit_chain(receipts, PUBLIC_KEY))
    assert all(check.ok for receipt in receipts for check in protomem.audit(receipt, PUBLIC_KEY))


def test_the_golden_history_is_signed_and_chained_as_the_document_says() -> None:
    """With nothing but JSON, SHA-256 and Ed25519."""
    key, previous = Ed25519PublicKey.from_public_bytes(bytes.fromhex(PUBLIC_KEY)), ""
    for line in lines("valid"):
        fields = json.loads(line)
        assert fields["previous"] == previous
        key.verify(
            bytes.fromhex(fields["signature"]), plain_bytes({k: v for k, v in fields.items() if k != "signature"})
        )
        previous = hashlib.sha256(plain_bytes(fields)).hexdigest()


def test_the_ids_of_the_golden_history_are_hashed_under_the_memorys_key() -> None:
    def hashed(id: str) -> str:
        return hmac.new(bytes(range(32, 64)), b"id\xff" + id.encode(), "sha256").hexdigest()[:32]

    learned, forgotten, purged, nothing, again = (receipt.id_hashes for receipt in valid())
    assert learned == tuple(map(hashed, ("one", "two", "three")))
    assert (forgotten, purged, nothing, again) == ((hashed("two"),), (hashed("two"),), (), (hashed("two"),))


@pytest.mark.parametrize("name", [name for name in BROKEN if name.startswith("A1")])
def test_what_has_not_the_form_of_a_receipt_is_refused(name: str) -> None:
    with pytest.raises(protomem.InvalidReceipt, match="receipt"):
        [Receipt.from_json(line) for line in lines(name)]


@pytest.mark.parametrize("name", [name for name in BROKEN if not name.startswith("A1")])
def test_a_broken_history_fails_at_its_step(name: str) -> None:
    receipts = [Receipt.from_json(line) for line in lines(name)]
    each, chain = protomem.audit_chain(receipts, PUBLIC_KEY)
    failed = {check.name[:2] for receipt in receipts for check in protomem.audit(receipt, PUBLIC_KEY) if not check.ok}
    failed |= set() if chain.ok else {"A6"}
    assert name[:2] in failed
    assert not (each.ok and chain.ok)
    if not name.startswith("A6"):
        assert failed <= {name[:2], "A6"}  # the next receipt names the one that was there


def test_every_step_has_a_broken_history() -> None:
    assert {name[:2] for name in BROKEN} == {"A1", "A2", "A3", "A4", "A5", "A6"}


def test_a_receipt_is_audited_under_its_own_key_only() -> None:
    other = protomem.open(None, encoder=protomem.Vectors(2)).public_key
    assert not protomem.audit(valid()[0], other)[0].ok


@pytest.mark.parametrize("key", ["", "00", "zz" * 32, "0" * 63, "0" * 66, "ключ"])
def test_what_is_no_public_key_is_refused(key: str) -> None:
    with pytest.raises(protomem.InvalidInput, match="the public key must be 64 hex digits: memory"):
        protomem.audit(valid()[0], key)


@given(st.data())
def test_any_change_of_a_receipt_breaks_its_signature(data: st.DataObject) -> None:
    """A changed character either makes it no receipt, or fails A2, or is no change."""
    line = lines("valid")[0]
    place = data.draw(st.integers(0, len(line) - 1))
    letter = data.draw(st.sampled_from('0123456789abcdef"{}[]:,.TZtruefalsenull -+eE\\'))
    text = line[:place] + letter + line[place + 1 :]
    try:
        receipt = Receipt.from_json(text)
    except protomem.InvalidReceipt:
        return
    assert receipt == Receipt.from_json(line) or not protomem.audit(receipt, PUBLIC_KEY)[0].ok


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=20,
)


@given(st.text(max_size=300) | json_values.map(json.dumps))
def test_anything_else_is_refused_as_no_receipt(text: str) -> None:
    with pytest.raises(protomem.InvalidReceipt, match="the receipt"):
        Receipt.from_json(text)


@given(st.sampled_from(sorted(json.loads(lines("valid")[0]))), json_values)
def test_a_field_of_any_other_value_is_refused_or_breaks_the_signature(name: str, value: object) -> None:
    fields = json.loads(lines("valid")[0])
    if fields[name] == value and type(fields[name]) is type(value):
        return
    try:
        receipt = Receipt.from_json(json.dumps(fields | {name: value}))
    except protomem.InvalidReceipt:
        return
    assert not protomem.audit(receipt, PUBLIC_KEY)[0].ok


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "1" * 100_000, "NaN", '{"count": Infinity}'])
def test_hostile_json_is_refused_quickly(text: str) -> None:
    with pytest.raises(protomem.InvalidReceipt, match="the receipt"):
        Receipt.from_json(text)


def test_a_receipt_holds_no_content() -> None:
    """Neither as it is kept nor as it is handed out as JSON."""
    memory = protomem.open(None, encoder=protomem.Vectors(2))
    learned = memory.learn([[1.0, 0.2]], ["a secret label"], ids=["a secret id"], subjects=["a secret person"])
    forgotten = memory.forget(subject="a secret person")
    for receipt in (learned, forgotten, *memory.receipts()):
        assert "secret" not in receipt.to_json()
    assert all("secret" not in repr(receipt) for receipt in memory.receipts())
    assert (learned.ids, forgotten.ids) == (("a secret id",), ("a secret id",))


def test_a_receipt_of_another_size_costs_the_same_form() -> None:
    """What a receipt holds grows with the change, never with the memory."""
    memory = protomem.open(None, encoder=protomem.Vectors(2))
    first = memory.learn([[1.0, 0.2]], ["a"])
    memory.learn([[1.0, number] for number in range(500)], ["b"] * 500)
    last = memory.learn([[1.0, 0.3]], ["a"])
    assert len(last.to_json()) - len(first.to_json()) == len(last.previous)
