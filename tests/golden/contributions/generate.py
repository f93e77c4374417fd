"""Writes the golden contributions of this folder: `python tests/golden/contributions/generate.py`.

`valid-*` are those of one client with fixed keys: everything at each level, and a difference. Every other file is a
lie: one of them changed in one way, with a digest and a signature that fit where only then the lie is the one meant.
Its name begins with the number, in protomem/CONTRIBUTIONS.md, of the step that has to find it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from protomem import Vectors
from protomem.codes import quantize
from protomem.commitment import Commitment, content
from protomem.federation.body import Layout
from protomem.federation.contribution import Contribution, payload_of
from protomem.federation.sums import Sums
from protomem.signing import Secrets
from protomem.space import Space, SpaceSettings
from protomem.statistics import Statistics

FOLDER = Path(__file__).parent
SECRETS = Secrets(signing=bytes(range(32)), hashing=bytes(range(32, 64)))
STRANGER = Secrets(signing=bytes(range(64, 96)), hashing=bytes(32))
SPACE = Space(SpaceSettings(3, Vectors(3).fingerprint, width=8))
CLIENT = "clinic-7"

Change = Callable[[Sums], Sums]


def taught(count: int) -> Sums:
    """The sums over the first `count` of a few examples, two labels in turn."""
    codes = quantize(np.random.default_rng(7).normal(size=(12, 3)), SPACE.scale)[:count]
    labels = [("card lost",) if row % 3 else ("refund",) for row in range(count)]
    commitment = Commitment()
    commitment.add(content(row.tobytes(), some) for row, some in zip(codes, labels, strict=True))
    return Sums.of(Statistics.of(SPACE, codes, labels), commitment, "full")


def sent(sums: Sums, sequence: int = 1, since: int = 0, after: Sums | None = None, **changes: Any) -> bytes:
    """A contribution with a digest and a signature that fit; `changes` are made before it is signed."""
    digest = (after or sums).digest()
    made = Contribution.of(sums, client=CLIENT, sequence=sequence, since=since, digest=digest, secrets=SECRETS)
    made = replace(made, **changes)
    return replace(made, signature=SECRETS.sign_contribution(made.signed_bytes())).to_bytes()


def valid() -> Iterator[tuple[str, bytes]]:
    """What a client sends that tells the truth."""
    for level in ("prototypes", "codebooks", "full"):
        yield f"valid-{level}", sent(taught(9).reduced(level))
    yield "valid-2-difference", sent(taught(7) - taught(9), 2, 1, after=taught(7))
    yield "valid-of-nothing", sent(taught(0))


def lies() -> Iterator[tuple[str, bytes]]:
    """Each lie, by the name of its file."""
    yield from malformed()
    yield from misread()
    yield from out_of_place()
    yield from untrue()


def malformed() -> Iterator[tuple[str, bytes]]:
    """C1 to C3: the document, its version, its signature."""
    whole = sent(taught(9))
    yield "C1-an-empty-file", b""
    yield "C1-cut-off", whole[:-1]
    yield "C1-a-byte-too-many", whole + b"\0"
    yield "C1-a-header-of-a-terabyte", (2**40).to_bytes(8, "little") + whole[8:]
    yield "C1-no-metadata", save(load(whole))
    yield "C1-an-array-is-missing", rewritten(whole, arrays=lambda found: found.pop("keys"))
    yield "C1-an-array-too-many", rewritten(whole, arrays=lambda found: found.update(items=found["names"]))
    yield "C1-an-array-of-floats", rewritten(whole, arrays=lambda found: found.update(keys=np.zeros(3)))
    yield "C1-a-header-that-is-no-json", rewritten(whole, header=lambda text: text[:-1])
    yield "C1-a-header-with-spaces", rewritten(whole, header=lambda text: text.replace(",", ", "))
    yield "C1-a-header-nested-deeply", rewritten(whole, header=lambda text: "[" * 30_000)
    yield "C1-a-field-twice", rewritten(whole, header=lambda text: '{"version":1,' + text[1:])
    yield "C1-a-field-too-many", with_fields(whole, items=["my name is Ann"])
    yield "C1-a-count-that-is-true", with_fields(whole, count=True)
    yield "C1-a-count-without-end", with_fields(whole, count=10**400)
    yield "C1-number-zero", with_fields(whole, sequence=0)
    yield "C1-a-difference-against-itself", with_fields(whole, since=1)
    yield "C1-an-unknown-level", with_fields(whole, level="weights")
    yield "C1-a-client-without-a-name", with_fields(whole, client=" ")
    yield "C1-a-public-key-in-capitals", with_fields(whole, public_key="AB" * 32)
    yield "C1-numbers-of-nine-bytes", with_fields(whole, widths=dict.fromkeys(fields(whole)["widths"], 9))
    yield "C2-another-version", with_fields(whole, version=2)
    yield "C3-a-changed-count", rewritten(whole, header=lambda text: text.replace('"count":9', '"count":8'))
    yield "C3-another-key-signed", replace(Contribution.from_bytes(whole), signature=strange(whole)).to_bytes()
    yield "C3-other-numbers", rewritten(whole, arrays=lambda found: found.update(counts=found["codes"]))


def misread() -> Iterator[tuple[str, bytes]]:
    """C4 to C6: the space, the sizes, the labels."""
    sums = taught(9)
    yield "C4-another-encoder", sent(sums, 2, fingerprint="0" * 64)
    yield "C5-a-bomb", body(sums, gram=zlib.compress(bytes(10**7)))
    yield "C5-a-million-labels", body(sums, labels=10**6, name_bytes=10**6)
    yield "C5-a-trillion-labels", body(sums, labels=10**12, name_bytes=10**12)
    yield "C5-fewer-numbers", body(sums, codes=zlib.compress(bytes(5)))
    yield "C5-no-stream", body(sums, codes=b"codes")
    yield "C5-a-stream-cut-off", body(sums, lanes=Contribution.from_bytes(sent(sums)).body["lanes"][:-4])
    yield "C6-labels-not-sorted", named(sums, b"refund\0card lost\0")
    yield "C6-a-label-twice", named(sums, b"refund\0refund\0")
    yield "C6-an-empty-label", named(sums, b"\0refund\0")
    yield "C6-a-label-in-no-utf8", named(sums, b"card\xff\0refund\0")
    yield "C6-a-label-less", named(sums, b"refund\0")


def out_of_place() -> Iterator[tuple[str, bytes]]:
    """C7 and C8, where a coordinator has merged `valid-full`."""
    yield "C7-number-one-with-other-sums", sent(taught(8))
    yield "C7-a-gap", sent(taught(7) - taught(9), 4, 3, after=taught(7))
    difference = (taught(7) - taught(9)).reduced("prototypes")
    yield "C7-a-difference-at-another-level", sent(difference, 2, 1, after=taught(7).reduced("prototypes"))
    yield "C7-another-key-for-this-client", strangers(taught(9))
    yield "C8-another-digest", sent(taught(9), 2, digest="0" * 64)
    yield "C8-a-difference-against-other-sums", sent(taught(7) - taught(8), 2, 1, after=taught(7))


def untrue() -> Iterator[tuple[str, bytes]]:
    """C9: sums that no examples have."""

    def lie(name: str, change: Change, level: str = "full") -> tuple[str, bytes]:
        return f"C9-{name}", sent(change(taught(9).reduced(level)), 2)  # type: ignore[arg-type]

    yield lie("negative-sums", lambda sums: taught(0) - sums)
    yield lie("a-negative-count", lambda sums: replace(sums, count=-9))
    yield lie("more-examples-than-labels", lambda sums: replace(sums, count=10))
    yield lie("more-of-a-label-than-examples", lambda sums: replace(sums, count=5))
    yield lie("a-quadrillion-examples", lambda sums: replace(sums, count=2**50), "prototypes")
    yield lie("a-label-of-no-example", lambda sums: replace(sums, counts=sums.counts * [0, 1], count=3), "prototypes")
    yield lie("codes-beyond-127-each", changed("codes", (1, 0), 3 * 127 + 1))
    yield lie("codes-beyond-127-each-at-the-least-level", changed("codes", (1, 0), -3 * 127 - 1), "prototypes")
    yield lie("codes-longer-than-unit-vectors", changed("codes", (1,), [130, 130, 130]), "prototypes")
    yield lie("a-key-met-less-than-never", lambda sums: moved(sums, "keys", (1, 5), 100), "codebooks")
    yield lie("keys-that-do-not-add-up", lambda sums: added(sums, "keys", (0, 5, 6), 1), "codebooks")
    yield lie("modes-that-do-not-add-up", lambda sums: added(sums, "mode_counts", (0, 3), 1))
    yield lie("a-negative-mode", lambda sums: moved(sums, "mode_counts", (0,), 100))
    yield lie("modes-of-other-codes", lambda sums: added(sums, "mode_codes", (0, int(largest(sums)), 0), 1))
    yield lie("codes-of-an-empty-mode", lambda sums: moved(sums, "mode_codes", (0, slice(None), 0), 1))
    yield lie("a-negative-feature", changed("features", (0, 2), -1))
    yield lie("features-beyond-31-each", changed("features", (1, 2), 3 * 31 + 1))
    yield lie("a-negative-product", lambda sums: product(sums, 1, -1))
    yield lie("a-product-beyond-its-features", lambda sums: product(sums, 1, 10**6))
    yield lie("a-square-less-than-its-feature", lambda sums: product(sums, 0, 1))
    yield lie("a-product-beyond-its-squares", beyond_its_squares)
    yield lie("a-square-less-than-its-mean", less_than_its_mean)
    yield lie("a-gram-matrix-of-negative-squares", negative_square)
    yield lie("no-commitment", lambda sums: replace(sums, lanes=sums.lanes * 0))
    yield lie("a-commitment-to-no-examples", lambda sums: replace(taught(0), lanes=sums.lanes))


def changed(array: str, place: tuple[Any, ...], value: Any) -> Change:
    """A lie that sets some numbers of an array."""

    def change(sums: Sums) -> Sums:
        values = sums.arrays[array].copy()
        values[place] = value
        return replace(sums, arrays={**sums.arrays, array: values})

    return change


def added(sums: Sums, array: str, place: tuple[Any, ...], value: int) -> Sums:
    return changed(array, place, sums.arrays[array][place] + value)(sums)


def moved(sums: Sums, array: str, place: tuple[Any, ...], value: int) -> Sums:
    """From the first number of a row that is zero to one that is not: what it adds up to stays."""
    row = sums.arrays[array][place].copy()
    row[np.flatnonzero(row == 0)[0]] -= value
    row[np.flatnonzero(row > 0)[0]] += value
    return changed(array, place, row)(sums)


def largest(sums: Sums) -> int:
    return int(np.argmax(sums.arrays["mode_counts"][0]))


def product(sums: Sums, entry: int | slice, value: Any) -> Sums:
    gram = sums.gram.copy()
    gram[entry] = value
    return replace(sums, gram=gram)


def beyond_its_squares(sums: Sums) -> Sums:
    """An entry that its features allow, and larger than the root of its two squares."""
    first, second = int(sums.gram[0]), int(sums.gram[8])  # the first two of the diagonal
    return product(sums, 1, int((first * second) ** 0.5) + 1)


def less_than_its_mean(sums: Sums) -> Sums:
    """A feature that goes with no other, and whose squares are as small as if it were 1 at most."""
    return product(sums, slice(8), [int(sums.arrays["features"][:, 0].sum()), *[0] * 7])


def negative_square(sums: Sums) -> Sums:
    """Each pair of features agrees with its squares, and the means with theirs; three features together do not."""
    gram = sums.gram.copy()
    starts = np.cumsum([0, *range(8, 1, -1)])
    for column in range(8):
        entries = gram[starts[column] + 1 : starts[column] + 8 - column]
        entries[:] = np.where(np.arange(len(entries)) % 2, entries, 0)
    return replace(sums, gram=gram)


def fields(document: bytes) -> dict[str, Any]:
    """The fields of a contribution's header."""
    found: dict[str, Any] = json.loads(Contribution.from_bytes(document).signed_bytes())
    return found


def with_fields(document: bytes, **changes: Any) -> bytes:
    """A contribution whose header has other fields, and a signature that fits."""
    plain = fields(document) | changes
    signature = SECRETS.sign_contribution(canonical(plain).encode())
    return rewritten(document, header=lambda _: canonical(plain | {"signature": signature}))


def canonical(fields: dict[str, Any]) -> str:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def rewritten(
    document: bytes,
    *,
    header: Callable[[str], str] = lambda text: text,
    arrays: Callable[[dict[str, Any]], object] = lambda found: None,
) -> bytes:
    """A contribution with another header or other arrays, in the same document."""
    found = load(document)
    arrays(found)
    length = int.from_bytes(document[:8], "little")
    text = json.loads(document[8 : 8 + length])["__metadata__"]["protomem"]
    return save(found, {"protomem": header(text)})


def strange(document: bytes) -> str:
    return STRANGER.sign_contribution(Contribution.from_bytes(document).signed_bytes())


def strangers(sums: Sums) -> bytes:
    made = Contribution.of(sums, client=CLIENT, sequence=2, since=0, digest=sums.digest(), secrets=STRANGER)
    return made.to_bytes()


def body(sums: Sums, labels: int = 2, name_bytes: int = 17, **arrays: bytes) -> bytes:
    """A contribution with other packed arrays, hashed and signed as they are."""
    made = Contribution.from_bytes(sent(sums))
    packed = {**made.body, **arrays}
    layout = Layout(made.level, made.count, labels, name_bytes, made.layout.widths)
    return sent(sums, 2, body=packed, layout=layout, payload=payload_of(packed))


def named(sums: Sums, names: bytes) -> bytes:
    return body(sums, name_bytes=len(names), names=zlib.compress(names))


def main() -> None:
    for old in FOLDER.glob("*.safetensors"):
        old.unlink()
    for name, document in [*valid(), *lies()]:
        (FOLDER / f"{name}.safetensors").write_bytes(document)


if __name__ == "__main__":
    main()
