"""The coordinator refuses what is damaged, replayed, foreign or out of turn, and then changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.federation_secure.session import (
    LAYOUT,
    ONE,
    THREE,
    TWO,
    Session,
    agreed,
    begun,
    dice,
    key_of,
    names,
    plain_sum,
    three_vectors,
)

from protomem.errors import AggregationRefused, ProtomemError
from protomem.federation.secure_messages import (
    Advertisement,
    Masked,
    Revealed,
    Shares,
    read_signed,
    signed,
)


@dataclass
class Waiting:
    """A coordinator, and a message that it would take."""

    session: Session
    message: bytes


def waiting(stage: int) -> Waiting:
    session = begun()
    client = session.clients[ONE]
    if stage == 0:
        return Waiting(session, client.advertise())
    if stage == 1:
        return Waiting(session, client.share(session.advertised()))
    if stage == 2:
        return Waiting(session, client.mask(session.shared()[ONE], three_vectors()[ONE]))
    if stage == 3:
        return Waiting(session, client.confirm(session.masked(three_vectors())))
    return Waiting(session, client.reveal(session.confirmed(three_vectors())))


@pytest.mark.parametrize("stage", range(5))
def test_the_same_message_twice_counts_once(stage: int) -> None:
    case = waiting(stage)
    assert case.session.coordinator.receive(case.message) == ONE
    assert case.session.coordinator.receive(case.message) == ONE
    assert case.session.coordinator.present == (ONE,)


def test_a_repeated_vector_is_added_once() -> None:
    session = begun()
    deliveries = session.shared()
    messages = {name: session.clients[name].mask(deliveries[name], three_vectors()[name]) for name in names(3)}
    for message in [*messages.values(), *messages.values()]:
        session.coordinator.receive(message)
    asked = session.coordinator.unmasking()
    for client in session.clients.values():
        session.coordinator.receive(client.confirm(asked))
    confirmations = session.coordinator.confirmations()
    for client in session.clients.values():
        session.coordinator.receive(client.reveal(confirmations))
    assert session.coordinator.total().tolist() == plain_sum(list(three_vectors().values()))


@pytest.mark.parametrize("stage", range(5))
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_message_with_one_bit_flipped_is_refused(stage: int, place: float, bit: int) -> None:
    case = CASES[stage]
    broken = bytearray(case.message)
    broken[int(place * len(broken))] ^= 1 << bit
    with pytest.raises(AggregationRefused, match=r"message|member"):
        case.session.coordinator.receive(bytes(broken))
    assert case.session.coordinator.present == ()


CASES = [waiting(stage) for stage in range(5)]


@given(st.binary(max_size=400))
def test_bytes_from_anywhere_are_refused(data: bytes) -> None:
    with pytest.raises(ProtomemError, match="not of the agreed form"):
        read_signed(data, CASES[0].session.agreement)


def test_a_message_longer_than_any_can_be_is_not_parsed() -> None:
    most = 8 * LAYOUT.length + 2_048 * 4
    with pytest.raises(AggregationRefused, match=f"none of this kind is above {most:,}"):
        CASES[0].session.coordinator.receive(bytes(most + 1))


@pytest.mark.parametrize("stage", range(5))
def test_a_message_of_another_session_is_refused(stage: int) -> None:
    case, other = waiting(stage), Session(agreed(3, 2, session="other session"))
    with pytest.raises(AggregationRefused, match="'clinic 00' belongs to another secure sum"):
        other.coordinator.receive(case.message)


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_a_message_of_an_earlier_round_is_refused(stage: int) -> None:
    """Replayed: the advertisement of the same session, while shares, vectors or seeds are awaited."""
    session = begun()
    early = session.clients[ONE].advertise()
    session.coordinator.receive(early)
    for name in (TWO, THREE):
        session.coordinator.receive(session.clients[name].advertise())
    roster = session.coordinator.roster()
    if stage > 1:
        for client in session.clients.values():
            session.coordinator.receive(client.share(roster))
        deliveries = session.coordinator.deliveries()
    if stage > 2:
        for name, client in session.clients.items():
            session.coordinator.receive(client.mask(deliveries[name], three_vectors()[name]))
        session.coordinator.unmasking()
    with pytest.raises(AggregationRefused, match="Advertisement of 'clinic 00' came while waiting for"):
        session.coordinator.receive(early)


def test_a_stranger_and_a_client_under_anothers_name_are_refused() -> None:
    session = begun()
    message = Advertisement(session.agreement.digest(), "stranger", dice(1)(32), dice(2)(32))
    with pytest.raises(AggregationRefused, match="'stranger' is not a member"):
        session.coordinator.receive(signed(message, key_of("stranger")))
    message = Advertisement(session.agreement.digest(), ONE, dice(1)(32), dice(2)(32))
    with pytest.raises(AggregationRefused, match="not signed by 'clinic 00'"):
        session.coordinator.receive(signed(message, key_of(TWO)))


@pytest.mark.parametrize("field", ["sealing", "masking"])
def test_a_key_that_gives_no_secret_does_not_stop_the_others(field: str) -> None:
    """A point of low order: every other client would refuse the roster that it is on."""
    session = begun()
    keys = {"sealing": dice(1)(32), "masking": dice(2)(32)} | {field: (1).to_bytes(32, "little")}
    wrong = Advertisement(session.agreement.digest(), THREE, **keys)
    with pytest.raises(AggregationRefused, match="a key that 'clinic 02' advertised is no X25519 public key"):
        session.coordinator.receive(signed(wrong, key_of(THREE)))
    assert session.clients[ONE].share(session.advertised([ONE, TWO]))


def test_a_key_of_another_client_does_not_stop_the_others() -> None:
    session = begun()
    theirs = read_signed(session.clients[TWO].advertise(), session.agreement)
    assert isinstance(theirs, Advertisement)
    for keys in [(theirs.sealing, dice(1)(32)), (dice(1)(32), theirs.sealing), (dice(1)(32), dice(1)(32))]:
        session = begun()
        session.coordinator.receive(session.clients[TWO].advertise())
        with pytest.raises(AggregationRefused, match="'clinic 02' advertised a key that was advertised before"):
            session.coordinator.receive(signed(Advertisement(theirs.session, THREE, *keys), key_of(THREE)))
        assert session.clients[ONE].share(session.advertised([ONE]))


def test_who_missed_a_round_is_not_in_the_sum_any_more() -> None:
    session = begun()
    session.advertised([ONE, TWO])
    for others in ([ONE, TWO], [ONE]):
        late = Shares(session.agreement.digest(), THREE, dict.fromkeys(others, bytes(60)))
        with pytest.raises(AggregationRefused, match="'clinic 02' missed the round before"):
            session.coordinator.receive(signed(late, key_of(THREE)))


@pytest.mark.parametrize("kind", ["second", "too few shares", "own share", "short vector", "no shares", "other shares"])
def test_a_members_message_holds_what_was_asked_for(kind: str) -> None:
    session = begun()
    digest, other = session.agreement.digest(), {TWO: bytes(60), THREE: bytes(60)}
    if kind == "second":
        session.coordinator.receive(session.clients[ONE].advertise())
        wrong, why = Advertisement(digest, ONE, dice(1)(32), dice(2)(32)), "two different messages in one round"
    elif "share" in kind and kind not in {"no shares", "other shares"}:
        session.advertised()
        boxes = other | {ONE: bytes(60)} if kind == "own share" else {TWO: bytes(60)}
        wrong, why = Shares(digest, ONE, boxes), "sent shares for other clients"
    elif kind == "short vector":
        session.shared()
        wrong, why = Masked(digest, ONE, bytes(8 * LAYOUT.length - 8)), "has not the 22 agreed words"
    else:
        session.confirmed(three_vectors(), [ONE, TWO])
        told = {} if kind == "no shares" else dict.fromkeys([ONE, TWO], bytes(16))
        wrong, why = Revealed(digest, ONE, told, dict.fromkeys([ONE, THREE], bytes(16))), "for other clients"
    with pytest.raises(AggregationRefused, match=why):
        session.coordinator.receive(signed(wrong, key_of(ONE)))


def test_wrong_shares_of_a_mask_seed_are_found_out() -> None:
    session = begun()
    asked = session.confirmed(three_vectors(), [ONE, TWO])
    told = msgspec.msgpack.decode(session.clients[ONE].reveal(asked), type=dict)
    body = msgspec.msgpack.decode(told["body"], type=Revealed)
    wrong = Revealed(body.session, ONE, body.self_shares, {THREE: bytes(16)})
    session.coordinator.receive(signed(wrong, key_of(ONE)))
    session.coordinator.receive(session.clients[TWO].reveal(asked))
    with pytest.raises(AggregationRefused, match="the shares of 'clinic 02' give another key than it advertised"):
        session.coordinator.total()


def test_a_round_ends_in_its_turn() -> None:
    with pytest.raises(AggregationRefused, match="waits for advertisements: end that round first"):
        begun().coordinator.total()
