"""Masks are uniform and cancel; the masked vector of one client tells nothing to a statistical test."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from scipy.stats import chisquare
from tests.core.federation_secure.session import Session, agreed, dice, names

from protomem.federation.masks import BLOCK_WORDS, add_mask
from protomem.federation.secure_keys import agreed_key, masking_key, pair_mask, self_mask
from protomem.federation.secure_layout import Layout
from protomem.federation.secure_messages import Masked, read_signed
from protomem.federation.secure_shares import combined, shares_of
from protomem.space import SpaceSettings

WIDE = Layout(SpaceSettings(384, "an encoder", width=8, books=1, keys=2, modes=2), "prototypes", ("a", "b", "c", "d"))


@pytest.mark.parametrize("length", [1, 7, BLOCK_WORDS - 1, BLOCK_WORDS, BLOCK_WORDS + 1, 3 * BLOCK_WORDS + 5])
def test_a_mask_is_the_key_stream_whatever_the_blocks(length: int) -> None:
    """Against the stream of ChaCha20-Poly1305, whose first block of 64 bytes makes the authentication key."""
    key = dice("key")(32)
    whole = ChaCha20Poly1305(key).encrypt(bytes(12), bytes(8 * length), None)[: 8 * length]
    words = np.zeros(length + 8, dtype=np.uint64)
    add_mask(words, key, 1)
    assert words[8:].tobytes() == whole


def test_masks_added_and_subtracted_leave_the_bits() -> None:
    words = np.random.default_rng(0).integers(0, 2**64, size=BLOCK_WORDS + 3, dtype=np.uint64)
    before = words.copy()
    add_mask(words, dice(1)(32), 1)
    add_mask(words, dice(2)(32), -1)
    assert (words != before).all()
    add_mask(words, dice(2)(32), 1)
    add_mask(words, dice(1)(32), -1)
    assert (words == before).all()


def p_value(words: np.ndarray) -> float:
    """Of the bytes, were each of the 256 as likely as the others."""
    return float(chisquare(np.bincount(words.view(np.uint8), minlength=256)).pvalue)


def test_the_masked_vector_of_one_client_is_uniform_and_the_bare_one_is_not() -> None:
    """Sums as they are: small positive and negative numbers. Every client, and each of eight sessions."""
    sums = np.random.default_rng(1).integers(-5_000, 5_000, size=WIDE.length)
    bare = sums.view(np.uint64)
    assert p_value(bare) < 1e-6
    for number in range(8):
        session = Session(agreed(3, 2, WIDE, session=f"session {number}"), WIDE, seed=number)
        deliveries = session.shared()
        for name in names(3):
            body = msgspec.msgpack.decode(session.clients[name].mask(deliveries[name], bare), type=dict)["body"]
            masked = np.frombuffer(msgspec.msgpack.decode(body, type=Masked).words, dtype=np.uint64)
            assert p_value(masked) > 1e-6
            assert p_value(masked - bare) > 1e-6


def test_a_vector_that_comes_after_its_sender_was_given_up_stays_masked() -> None:
    """The coordinator has put the seed of its pair masks together by then. What is left is the self mask."""
    session = Session(agreed(3, 2, WIDE), WIDE)
    bare = np.zeros(WIDE.length, dtype=np.uint64)
    deliveries, (one, two, late) = session.shared(), names(3)
    self_seed = session.clients[late]._self_seed  # dropped with the next round
    sent = {name: session.clients[name].mask(deliveries[name], bare) for name in names(3)}
    for name in (one, two):
        session.coordinator.receive(sent[name])
    lists = session.coordinator.unmasking()
    for name in (one, two):
        session.coordinator.receive(session.clients[name].confirm(lists))
    asked = session.coordinator.confirmations()
    told = [read_signed(session.clients[name].reveal(asked), session.agreement) for name in (one, two)]
    digest, place = session.agreement.digest(), session.agreement.number(late)
    key = masking_key(digest, combined(dict(enumerate(some.mask_shares[late] for some in told)), 2), place)
    masked = np.frombuffer(read_signed(sent[late], session.agreement).words, dtype=np.uint64).copy()
    for name in (one, two):
        theirs = read_signed(session.advertisements[name], session.agreement).masking
        there = session.agreement.number(name)
        add_mask(masked, pair_mask(digest, agreed_key(key, name, theirs), place, there), -1 if place < there else 1)
    assert p_value(masked) > 1e-6
    add_mask(masked, self_mask(digest, self_seed, place), -1)
    assert not masked.any()  # nothing else was left


def test_the_same_vector_looks_different_in_every_session_and_from_every_client() -> None:
    vector = np.zeros(WIDE.length, dtype=np.uint64)
    seen = set()
    for number in range(3):
        session = Session(agreed(3, 2, WIDE, session=f"session {number}"), WIDE, seed="the same dice")
        deliveries = session.shared()
        seen |= {session.clients[name].mask(deliveries[name], vector)[-2_000:-100] for name in names(3)}
    assert len(seen) == 9


def test_any_minimum_of_the_shares_gives_the_seed_and_fewer_do_not() -> None:
    seed = dice("seed")(16)
    shares = dict(enumerate(shares_of(seed, 3, 5)))
    for chosen in [(0, 1, 2), (4, 2, 0), (1, 3, 4), (0, 1, 2, 3, 4)]:
        assert combined({number: shares[number] for number in chosen}, 3) == seed
    with pytest.raises(ValueError, match="2 shares are too few: 3 are needed"):
        combined({0: shares[0], 1: shares[1]}, 3)
    assert combined({0: shares[0], 1: shares[1]}, 2) != seed
