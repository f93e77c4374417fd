"""A client refuses what is damaged, replayed, foreign, out of turn, or asks for too much, and then changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from tests.core.federation_secure.session import (
    LAYOUT,
    ONE,
    SPACE,
    THREE,
    TWO,
    Session,
    agreed,
    begun,
    dice,
    identity,
    key_of,
    public,
    three_vectors,
)

from protomem.errors import AggregationRefused, InvalidInput, TooFewClients
from protomem.federation.secure_agreement import Agreement, Member, encoded
from protomem.federation.secure_client import SecureClient
from protomem.federation.secure_coordinator import SecureCoordinator
from protomem.federation.secure_layout import Layout
from protomem.federation.secure_messages import (
    Advertisement,
    Deliveries,
    Roster,
    Unmasking,
    read_signed,
    signed,
)


def unmasking(session: Session, survivors: list[str], dropped: list[str]) -> bytes:
    return encoded(Unmasking(session.agreement.digest(), tuple(survivors), tuple(dropped)))


# ---------------------------------------------------------------------------------------- what a client must not tell


@pytest.mark.parametrize(
    ("survivors", "dropped", "why"),
    [
        ([ONE, TWO, THREE], [THREE], "both seeds of 'clinic 02' are asked for"),
        ([ONE, TWO, THREE], [ONE, TWO, THREE], "both seeds of 'clinic 00'"),
        ([ONE, TWO], [], "are not those who shared their seeds"),
        ([ONE, TWO, THREE], ["stranger"], "are not those who shared their seeds"),
        ([TWO, THREE], [ONE], "me among them"),
    ],
    ids=["both of one", "both of all", "one left out", "a stranger", "the client itself dropped"],
)
def test_a_client_is_not_asked_for_both_seeds_of_anyone(survivors: list[str], dropped: list[str], why: str) -> None:
    session = begun()
    session.masked(three_vectors())
    with pytest.raises(AggregationRefused, match=why):
        session.clients[ONE].confirm(unmasking(session, survivors, dropped))


def test_a_client_answers_one_question_only() -> None:
    """Asked for the self seed first and for the other one later, it would have told both."""
    session = begun()
    session.clients[ONE].confirm(session.masked(three_vectors()))
    with pytest.raises(AggregationRefused, match="'confirm' is out of turn: this secure sum expects 'reveal'"):
        session.clients[ONE].confirm(unmasking(session, [ONE, TWO], [THREE]))
    other = begun()
    asked = other.confirmed(three_vectors())
    other.clients[ONE].reveal(asked)
    with pytest.raises(AggregationRefused, match="'reveal' is out of turn: this secure sum is over for 'clinic 00'"):
        other.clients[ONE].reveal(asked)


def test_a_client_masks_once() -> None:
    """Two vectors under the same masks would tell their difference."""
    session = begun()
    deliveries = session.shared()
    session.clients[ONE].mask(deliveries[ONE], three_vectors()[ONE])
    with pytest.raises(AggregationRefused, match="'mask' is out of turn: this secure sum expects 'confirm'"):
        session.clients[ONE].mask(deliveries[ONE], three_vectors()[TWO])


def test_a_client_confirms_no_fewer_survivors_than_the_minimum() -> None:
    session = begun()
    session.masked(three_vectors())
    with pytest.raises(TooFewClients, match="1 clients are fewer than the agreed minimum of 2"):
        session.clients[ONE].confirm(unmasking(session, [ONE], [TWO, THREE]))


def test_a_client_shares_and_masks_with_no_fewer_than_the_minimum() -> None:
    session = begun()
    alone = encoded(Roster(session.agreement.digest(), (session.clients[ONE].advertise(),)))
    with pytest.raises(TooFewClients, match="1 clients are fewer"):
        session.clients[ONE].share(alone)
    other = begun()
    other.shared()
    with pytest.raises(TooFewClients, match="1 clients are fewer"):
        other.clients[ONE].mask(encoded(Deliveries(other.agreement.digest(), {})), three_vectors()[ONE])


def test_no_secret_outlives_the_round_that_used_it_last() -> None:
    """The key of its identity is not the sum's to drop."""
    session = begun()
    client = session.clients[ONE]
    others = {"_identity", "_number", "name", "_agreement", "_session", "_next", "_dice"}
    public = {"_roster", "_asked", "_question"}

    def secrets() -> set[str]:
        return vars(client).keys() - others - public

    roster = session.advertised()
    assert secrets() == {"_sealing", "_masking", "_seed", "_self_seed", "_secrets", "_held"}
    for one in session.clients.values():
        session.coordinator.receive(one.share(roster))
    assert secrets() == {"_self_seed", "_secrets", "_held"}
    deliveries = session.coordinator.deliveries()
    for name, one in session.clients.items():
        session.coordinator.receive(one.mask(deliveries[name], three_vectors()[name]))
    assert secrets() == {"_held"}
    unmasking = session.coordinator.unmasking()
    for one in session.clients.values():
        session.coordinator.receive(one.confirm(unmasking))
    assert secrets() == {"_held"}
    client.reveal(session.coordinator.confirmations())
    assert secrets() == set()


@pytest.mark.parametrize("dtype", ["int64", "float64", ">u8"])
def test_a_vector_is_of_words(dtype: str) -> None:
    """A fraction would be cut off without a word."""
    session = begun()
    deliveries = session.shared()
    with pytest.raises(InvalidInput, match=r"the vector is .* of shape \(22,\); agreed on were 22 words, uint64"):
        session.clients[ONE].mask(deliveries[ONE], np.full(LAYOUT.length, 1.5).astype(dtype))


def test_a_round_that_was_refused_may_be_taken_again() -> None:
    session = begun()
    deliveries = session.shared()
    with pytest.raises(InvalidInput, match="agreed on were"):
        session.clients[ONE].mask(deliveries[ONE], three_vectors()[ONE][:-1])
    session.coordinator.receive(session.clients[ONE].mask(deliveries[ONE], three_vectors()[ONE]))
    assert session.coordinator.present == (ONE,)


# ---------------------------------------------------------------------------- what the coordinator cannot put forward


def test_the_coordinator_cannot_put_its_own_keys_under_a_clients_name() -> None:
    session = begun()
    messages = [client.advertise() for client in session.clients.values()]
    own = Advertisement(session.agreement.digest(), TWO, dice("sealing")(32), dice("masking")(32))
    forged = signed(own, Ed25519PrivateKey.from_private_bytes(dice("coordinator")(32)))
    roster = encoded(Roster(session.agreement.digest(), (messages[0], forged, messages[2])))
    with pytest.raises(AggregationRefused, match="not signed by 'clinic 01', whose name it carries"):
        session.clients[ONE].share(roster)


def test_a_roster_names_everyone_once_and_whom_it_is_sent_to() -> None:
    session = begun()
    first, second, third = (client.advertise() for client in session.clients.values())
    digest = session.agreement.digest()
    with pytest.raises(AggregationRefused, match="second message of 'clinic 01'"):
        session.clients[ONE].share(encoded(Roster(digest, (first, second, second))))
    with pytest.raises(AggregationRefused, match="the roster lacks the keys of 'clinic 00'"):
        session.clients[ONE].share(encoded(Roster(digest, (second, third))))


def test_a_roster_has_the_keys_that_the_client_sent_now() -> None:
    """Those that it signed before it was restarted would have all others mask with keys that are gone."""
    session, before = begun(), Session(agreed(3, 2), seed="before the restart")
    messages = {name: client.advertise() for name, client in session.clients.items()}
    messages[ONE] = before.clients[ONE].advertise()
    with pytest.raises(AggregationRefused, match="the roster lacks the keys of 'clinic 00'"):
        session.clients[ONE].share(encoded(Roster(session.agreement.digest(), tuple(messages.values()))))


@pytest.mark.parametrize("copied", ["sealing", "masking", "crosswise"])
def test_a_roster_on_which_a_key_is_there_twice_is_refused(copied: str) -> None:
    """Round 1 of figure 4: all public keys are different."""
    session = begun()
    messages = {name: client.advertise() for name, client in session.clients.items()}
    theirs = read_signed(messages[TWO], session.agreement)
    assert isinstance(theirs, Advertisement)
    fresh = dice("fresh")(32)
    sealing, masking = {
        "sealing": (theirs.sealing, fresh),
        "masking": (fresh, theirs.masking),
        "crosswise": (theirs.masking, fresh),
    }[copied]
    messages[THREE] = signed(Advertisement(session.agreement.digest(), THREE, sealing, masking), key_of(THREE))
    with pytest.raises(AggregationRefused, match="'clinic 02' advertised a key that was advertised before"):
        session.clients[ONE].share(encoded(Roster(session.agreement.digest(), tuple(messages.values()))))


def test_a_public_key_that_gives_no_secret_is_refused() -> None:
    """All zeros is a point of low order: the secret would be known to everyone."""
    session = begun()
    messages = {name: client.advertise() for name, client in session.clients.items()}
    zeros = Advertisement(session.agreement.digest(), TWO, bytes(32), dice("a key")(32))
    messages[TWO] = signed(zeros, key_of(TWO))
    with pytest.raises(AggregationRefused, match="a key that 'clinic 01' advertised is no X25519 public key"):
        session.clients[ONE].share(encoded(Roster(session.agreement.digest(), tuple(messages.values()))))


@pytest.mark.parametrize(
    "what", ["damaged", "of another client", "of another session", "from itself", "from a stranger"]
)
def test_shares_open_only_for_those_two_in_this_session(what: str) -> None:
    session, other = begun(), begun("other session")
    deliveries, theirs = session.shared(), other.shared()
    read = {name: msgspec.msgpack.decode(data, type=Deliveries).sealed for name, data in deliveries.items()}
    foreign = msgspec.msgpack.decode(theirs[ONE], type=Deliveries).sealed
    boxes = (
        read[ONE]
        | {
            "damaged": {TWO: read[ONE][TWO][:-1] + bytes([read[ONE][TWO][-1] ^ 1])},
            "of another client": {TWO: read[THREE][TWO]},
            "of another session": {TWO: foreign[TWO]},
            "from itself": {ONE: read[ONE][TWO]},
            "from a stranger": {"stranger": read[ONE][TWO]},
        }[what]
    )
    why = "not on the roster or is the receiver" if "from" in what else "the shares of 'clinic 01' cannot be opened"
    with pytest.raises(AggregationRefused, match=why):
        session.clients[ONE].mask(encoded(Deliveries(session.agreement.digest(), boxes)), three_vectors()[ONE])


@pytest.mark.parametrize("name", ["share", "mask", "confirm", "reveal"])
def test_a_coordinators_message_of_another_session_is_refused(name: str) -> None:
    session, other = begun(), begun("other session")
    if name == "share":
        roster = other.advertised()
        session.clients[ONE].advertise()
        ask: Callable[[], bytes] = lambda: session.clients[ONE].share(roster)  # noqa: E731
    elif name == "mask":
        session.shared()
        delivery = other.shared()[ONE]
        ask = lambda: session.clients[ONE].mask(delivery, three_vectors()[ONE])  # noqa: E731
    elif name == "confirm":
        session.masked(three_vectors())
        lists = other.masked(three_vectors())
        ask = lambda: session.clients[ONE].confirm(lists)  # noqa: E731
    else:
        session.confirmed(three_vectors())
        asked = other.confirmed(three_vectors())
        ask = lambda: session.clients[ONE].reveal(asked)  # noqa: E731
    with pytest.raises(AggregationRefused, match="belongs to another secure sum"):
        ask()


# ------------------------------------------------------------------------------------------- what cannot be agreed on


@pytest.mark.parametrize(
    ("count", "minimum", "why"),
    [
        (3, 1, "the minimum of 3 members must be 2 to 3, not 1"),
        (4, 2, "the minimum of 4 members must be 3 to 4, not 2"),
        (4, 5, "the minimum of 4 members must be 3 to 4, not 5"),
        (1, 1, "of 2 to 1000 members, not of 1"),
    ],
)
def test_a_minimum_is_more_than_half(count: int, minimum: int, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        agreed(count, minimum)


def test_members_are_sorted_each_with_a_key_of_its_own() -> None:
    one, other = Member(ONE, public(ONE)), Member(TWO, public(ONE))
    for members in [(one, other), (Member(TWO, public(TWO)), one), (one, one)]:
        with pytest.raises(InvalidInput, match="sorted by name, each with a name and a key of its own"):
            Agreement(bytes(32), members, 2, LAYOUT.digest(), LAYOUT.length)


def test_a_client_takes_part_only_in_what_it_agreed_to() -> None:
    agreement = agreed(3, 2)
    with pytest.raises(InvalidInput, match="about another layout"):
        SecureClient(agreement, Layout(SPACE, "prototypes", ("a", "b")), ONE, identity(ONE), dice(0))
    with pytest.raises(InvalidInput, match="another public key for 'clinic 00'"):
        SecureClient(agreement, LAYOUT, ONE, identity(TWO), dice(0))
    for stranger in ("stranger", "a", "clinic 0"):  # after the last in order, before the first, between
        with pytest.raises(AggregationRefused, match=f"'{stranger}' is not a member"):
            SecureClient(agreement, LAYOUT, stranger, identity(ONE), dice(0))
    with pytest.raises(InvalidInput, match="identity must be an Ed25519 private key as its 32 bytes"):
        SecureClient(agreement, LAYOUT, ONE, identity(ONE)[:31], dice(0))


def test_the_number_of_a_member_is_its_place() -> None:
    agreement = agreed(9, 5)
    assert [agreement.number(member.name) for member in agreement.members] == list(range(9))


@pytest.mark.parametrize("field", ["session", "minimum", "layout"])
def test_agreements_that_differ_are_different_sessions(field: str) -> None:
    other = {"session": bytes(32), "minimum": 3, "layout": bytes(32)}[field]
    agreement = agreed(3, 2)
    changed = msgspec.structs.replace(agreement, **{field: other})
    assert changed.digest() != agreement.digest()
    session = begun()
    with pytest.raises(AggregationRefused, match="belongs to another secure sum"):
        SecureCoordinator(changed).receive(session.clients[ONE].advertise())


def test_an_agreement_travels_as_bytes() -> None:
    agreement = agreed(3, 2)
    assert Agreement.from_bytes(encoded(agreement)) == agreement


def broken_agreements() -> dict[str, bytes]:
    """Each with what its refusal says of it."""
    plain = msgspec.msgpack.decode(encoded(agreed(3, 2)))
    changes = {
        "the minimum of 3 members": {"minimum": 1},
        "unknown field": {"more": 1},
        "Invalid enum value 1": {"version": 1},
        "length >= 32": {"session": b"short"},
        "sorted by name": {"members": plain["members"][::-1]},
        "Expected `int`": {"length": "22"},
    }
    return {why: msgspec.msgpack.encode(plain | change) for why, change in changes.items()}


@pytest.mark.parametrize("why", broken_agreements())
def test_an_agreement_of_another_form_is_refused(why: str) -> None:
    with pytest.raises(AggregationRefused, match=f"not of the agreed form: .*{why}"):
        Agreement.from_bytes(broken_agreements()[why])


@given(st.binary(max_size=400))
def test_a_client_refuses_bytes_from_anywhere(data: bytes) -> None:
    session = begun()
    session.clients[ONE].advertise()
    with pytest.raises(AggregationRefused, match="not of the agreed form"):
        session.clients[ONE].share(data)
    with pytest.raises(AggregationRefused, match="not of the agreed form"):
        Agreement.from_bytes(data)
