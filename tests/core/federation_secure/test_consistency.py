"""The round in which survivors confirm what they were told: a coordinator that tells two lists learns nothing from it.

Bonawitz et al. (CCS 2017), figure 4, round 3: without it shares of one seed of some clients and of the other seed of
others can be had from clients that were each asked a question in order, until the total of very few is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.federation_secure.session import (
    LAYOUT,
    Session,
    agreed,
    dice,
    drawn_vectors,
    key_of,
    names,
    plain_sum,
)

from protomem.errors import AggregationRefused, TooFewClients
from protomem.federation.masks import Words, add_mask
from protomem.federation.secure_agreement import encoded
from protomem.federation.secure_keys import agreed_key, masking_key, pair_mask, self_mask
from protomem.federation.secure_messages import (
    Advertisement,
    Confirmations,
    Confirmed,
    Masked,
    Revealed,
    Unmasking,
    read_signed,
    signed,
)
from protomem.federation.secure_shares import combined

ONE, TWO, THREE, FOUR, FIVE = names(5)


def vectors_of(count: int) -> dict[str, Words]:
    return dict(zip(names(count), drawn_vectors(9, count), strict=True))


def five(seed: object = "dice", session: str = "session") -> Session:
    return Session(agreed(5, 3, session=session), seed=seed)


def told(session: Session, dropped: Mapping[str, Sequence[str]]) -> dict[str, bytes]:
    """What each client confirms that hears of these as dropped out; all have masked their vectors."""
    everyone, digest = set(session.clients), session.agreement.digest()
    return {
        name: session.clients[name].confirm(
            encoded(Unmasking(digest, tuple(sorted(everyone - set(gone))), tuple(sorted(gone))))
        )
        for name, gone in dropped.items()
    }


def forwarded(session: Session, messages: Sequence[bytes]) -> bytes:
    return encoded(Confirmations(session.agreement.digest(), tuple(messages)))


# ------------------------------------------------------------------------------------------------------- two stories

SHARE_OUT = {ONE: [THREE, FOUR], TWO: [FOUR, FIVE], THREE: [FOUR, FIVE], FOUR: [THREE, FIVE], FIVE: [THREE]}
"""Five clients, minimum 3. Each hears of three survivors or more, itself among them, and tells one seed of each."""


def test_the_story_would_lay_bare_the_total_of_two() -> None:
    """If each answered what it was asked: the masks of two clients come off, and the minimum is three."""
    session, vectors = five(), vectors_of(5)
    digest, deliveries = session.agreement.digest(), session.shared()
    words = np.zeros(LAYOUT.length, dtype=np.uint64)
    for name, client in session.clients.items():
        sent = read_signed(client.mask(deliveries[name], vectors[name]), session.agreement)
        assert isinstance(sent, Masked)
        words += np.frombuffer(sent.words, dtype="<u8") if name in (ONE, TWO) else np.uint64(0)
    told(session, SHARE_OUT)  # nobody finds anything wrong with its own list

    def seed(of: str, which: int) -> bytes:
        asked = [name for name, gone in SHARE_OUT.items() if (of in gone) == (which == 0)]
        return combined({session.agreement.number(name): session.clients[name]._held[of][which] for name in asked}, 3)

    for one in (ONE, TWO):
        place = session.agreement.number(one)
        add_mask(words, self_mask(digest, seed(one, 1), place), -1)
        theirs = read_signed(session.advertisements[one], session.agreement)
        assert isinstance(theirs, Advertisement)
        for gone in (THREE, FOUR, FIVE):
            there = session.agreement.number(gone)
            secret = agreed_key(masking_key(digest, seed(gone, 0), there), one, theirs.masking)
            add_mask(words, pair_mask(digest, secret, place, there), -1)  # they come after both
    assert words.tolist() == plain_sum([vectors[ONE], vectors[TWO]])


@pytest.mark.parametrize("forwards", ["all of them", "only what agrees", "nothing", "its own, thrice"])
def test_nobody_reveals_anything_to_a_coordinator_that_tells_different_lists(forwards: str) -> None:
    session = five()
    session.masked(vectors_of(5))
    confirmed = told(session, SHARE_OUT)
    for name, client in session.clients.items():
        messages = {
            "all of them": list(confirmed.values()),
            "only what agrees": [confirmed[other] for other in names(5) if SHARE_OUT[other] == SHARE_OUT[name]],
            "nothing": [],
            "its own, thrice": [confirmed[name]] * 3,
        }[forwards]
        with pytest.raises((AggregationRefused, TooFewClients), match=r"told of other survivors|fewer than|a second"):
            client.reveal(forwarded(session, messages))


@st.composite
def stories(draw: st.DrawFn) -> tuple[int, dict[str, list[str]]]:
    """The minimum, and whom each client hears of as dropped out, in ways that a client confirms."""
    count = draw(st.integers(3, 7))
    minimum = draw(st.integers(count // 2 + 1, count))
    lists = draw(st.lists(st.sets(st.sampled_from(names(count)), max_size=count - minimum), min_size=1, max_size=2))
    heard = {name: draw(st.sampled_from(lists)) - {name} for name in names(count)}
    return minimum, {name: sorted(gone) for name, gone in heard.items()}


@settings(max_examples=60)
@given(stories())
def test_all_who_reveal_answer_the_same_question(story: tuple[int, dict[str, list[str]]]) -> None:
    """Each gets all confirmations of its own list that there are, the most that a coordinator can do. Whoever reveals
    has a list that the minimum confirmed, and there is one such list at most: two would have a client in common.
    """
    minimum, dropped = story
    session = Session(agreed(len(dropped), minimum))
    session.masked(vectors_of(len(dropped)))
    confirmed = told(session, dropped)
    shares: dict[str, Counter[str]] = {"self": Counter(), "masks": Counter()}
    questions = set()
    for name, client in session.clients.items():
        same = [other for other in dropped if dropped[other] == dropped[name] and other not in dropped[name]]
        asked = forwarded(session, [confirmed[other] for other in same])
        if len(same) < minimum:
            with pytest.raises(TooFewClients, match=f"{len(same)} clients are fewer than the agreed minimum"):
                client.reveal(asked)
            continue
        found = read_signed(client.reveal(asked), session.agreement)
        assert isinstance(found, Revealed)
        assert set(found.mask_shares) == set(dropped[name])
        assert set(found.self_shares) == set(dropped) - set(dropped[name])
        questions.add(tuple(dropped[name]))
        shares["self"].update(found.self_shares)
        shares["masks"].update(found.mask_shares)
    assert len(questions) <= 1
    assert not set(shares["self"]) & set(shares["masks"])


def test_no_two_lists_have_a_minimum_of_their_own() -> None:
    """For every number of members and every minimum that can be agreed on, counted out."""
    for count in range(2, 9):
        for minimum in range(max(2, count // 2 + 1), count + 1):
            groups = [set(some) for some in combinations(range(count), minimum)]
            assert all(one & other for one in groups for other in groups)


# -------------------------------------------------------------------------------------------- lies in what is forwarded


def by_another_key(session: Session, honest: dict[str, bytes]) -> list[bytes]:
    """The coordinator signs for a client itself."""
    body = read_signed(honest[TWO], session.agreement)
    return [honest[ONE], signed(body, key_of("coordinator")), honest[THREE]]


def one_bit(session: Session, honest: dict[str, bytes]) -> list[bytes]:
    broken = bytearray(honest[TWO])
    broken[-1] ^= 1  # of the signature, or of the version behind it
    return [honest[ONE], bytes(broken), honest[THREE]]


def signature_of_another(session: Session, honest: dict[str, bytes]) -> list[bytes]:
    """The signature of one client's confirmation under the body of another's."""
    first, second = (msgspec.msgpack.decode(honest[name]) for name in (TWO, THREE))
    mixed = msgspec.msgpack.encode(first | {"signature": second["signature"]})
    return [honest[ONE], mixed, honest[THREE]]


def of_another_round(session: Session, honest: dict[str, bytes]) -> list[bytes]:
    """What the client signed in round 0, and may have been sent to everyone."""
    return [honest[ONE], session.advertisements[TWO], honest[THREE]]


def of_another_session(session: Session, honest: dict[str, bytes]) -> list[bytes]:
    other = five(session="other session")
    other.masked(vectors_of(5), [ONE, TWO, THREE, FOUR])
    return [honest[ONE], told(other, {TWO: [FIVE]})[TWO], honest[THREE]]


def of_an_earlier_sum_of_the_same_number(session: Session, honest: dict[str, bytes]) -> list[bytes]:
    """The session number came twice, against what was agreed: the lists are the same, the keys are not."""
    other = five(seed="of an earlier sum")
    other.masked(vectors_of(5), [ONE, TWO, THREE, FOUR])
    return [honest[ONE], told(other, {TWO: [FIVE]})[TWO], honest[THREE]]


def of_another_list(session: Session, honest: dict[str, bytes]) -> list[bytes]:
    """Signed by the client itself, of a list in which nobody dropped out."""
    other = five()
    other.masked(vectors_of(5))
    return [honest[ONE], told(other, {TWO: []})[TWO], honest[THREE]]


def of_a_stranger(session: Session, honest: dict[str, bytes]) -> list[bytes]:
    body = read_signed(honest[ONE], session.agreement)
    return [honest[ONE], signed(msgspec.structs.replace(body, client="stranger"), key_of("stranger")), honest[THREE]]


def of_one_who_dropped_out(session: Session, honest: dict[str, bytes]) -> list[bytes]:
    """A member that works with the coordinator, to make up the minimum."""
    body = read_signed(honest[ONE], session.agreement)
    return [honest[ONE], honest[TWO], signed(msgspec.structs.replace(body, client=FIVE), key_of(FIVE))]


LIES: dict[str, tuple[Callable[[Session, dict[str, bytes]], list[bytes]], str]] = {
    "signed by another key": (by_another_key, "not signed by 'clinic 01', whose name it carries"),
    "a bit flipped": (one_bit, "not of the agreed form|not signed by 'clinic 01'"),
    "another client's signature": (signature_of_another, "not signed by 'clinic 01', whose name it carries"),
    "of another round": (of_another_round, "a second message of 'clinic 01' came, or one that confirms nothing"),
    "of another session": (of_another_session, "'clinic 01' belongs to another secure sum"),
    "of an earlier sum of the same number": (
        of_an_earlier_sum_of_the_same_number,
        "'clinic 01' was told of other survivors than 'clinic 00'",
    ),
    "of another list": (of_another_list, "'clinic 01' was told of other survivors than 'clinic 00'"),
    "of a stranger": (of_a_stranger, "'stranger' is not a member"),
    "of one who dropped out": (of_one_who_dropped_out, "'clinic 04' confirmed, and is not among those who survived"),
    "one signer twice": (lambda _, honest: [honest[ONE], honest[TWO], honest[TWO]], "a second message of 'clinic 01'"),
    "one signer thrice": (lambda _, honest: [honest[ONE]] * 3, "a second message of 'clinic 00'"),
    "no message": (lambda _, honest: [honest[ONE], b"", honest[THREE]], "not of the agreed form"),
    "too few": (lambda _, honest: [honest[ONE], honest[THREE]], "2 clients are fewer than the agreed minimum of 3"),
    "none": (lambda *_: [], "0 clients are fewer than the agreed minimum of 3"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_client_reveals_nothing_on_a_lie_and_everything_asked_on_the_truth(lie: str) -> None:
    session, (make, why) = five(), LIES[lie]
    unmasking = session.masked(vectors_of(5), [ONE, TWO, THREE, FOUR])
    honest = {name: session.clients[name].confirm(unmasking) for name in (ONE, TWO, THREE, FOUR)}
    with pytest.raises((AggregationRefused, TooFewClients), match=why):
        session.clients[ONE].reveal(forwarded(session, make(session, honest)))
    found = read_signed(
        session.clients[ONE].reveal(forwarded(session, list(honest.values()))), session.agreement
    )  # the lie changed nothing
    assert isinstance(found, Revealed)
    assert (set(found.self_shares), set(found.mask_shares)) == ({ONE, TWO, THREE, FOUR}, {FIVE})


def test_more_truth_than_the_minimum_does_not_make_up_for_a_lie() -> None:
    session = five()
    session.masked(vectors_of(5))
    confirmed = told(session, dict.fromkeys((ONE, TWO, THREE, FOUR), ()) | {FIVE: [FOUR]})
    with pytest.raises(AggregationRefused, match="'clinic 04' was told of other survivors than 'clinic 00'"):
        session.clients[ONE].reveal(forwarded(session, list(confirmed.values())))


def test_nothing_is_revealed_before_the_survivors_are_confirmed() -> None:
    session = five()
    session.masked(vectors_of(5))
    with pytest.raises(AggregationRefused, match="'reveal' is out of turn: this secure sum expects 'confirm'"):
        session.clients[ONE].reveal(forwarded(session, []))


@given(st.binary(max_size=400))
def test_a_client_refuses_confirmations_from_anywhere(data: bytes) -> None:
    with pytest.raises(AggregationRefused, match="not of the agreed form"):
        WAITING.clients[ONE].reveal(data)
    with pytest.raises(AggregationRefused, match="not of the agreed form"):
        WAITING.clients[ONE].reveal(forwarded(WAITING, [data]))


WAITING = five()
WAITING.confirmed(vectors_of(5))


# --------------------------------------------------------------------------------------------------- the coordinator's


def test_a_client_that_confirms_something_else_drops_out_and_stops_nobody() -> None:
    """Passed on, it would have every honest client refuse."""
    session, vectors = five(), vectors_of(5)
    unmasking = session.masked(vectors)
    wrong = Confirmed(session.agreement.digest(), FIVE, dice("question")(32))
    with pytest.raises(AggregationRefused, match="'clinic 04' confirmed something else than it was asked"):
        session.coordinator.receive(signed(wrong, key_of(FIVE)))
    for name in (ONE, TWO, THREE, FOUR):
        session.coordinator.receive(session.clients[name].confirm(unmasking))
    asked = session.coordinator.confirmations()
    for name in (ONE, TWO, THREE, FOUR):
        session.coordinator.receive(session.clients[name].reveal(asked))
    assert session.coordinator.total().tolist() == plain_sum(list(vectors.values()))


def test_only_survivors_confirm_and_only_who_confirmed_reveals() -> None:
    session = five()
    unmasking = session.masked(vectors_of(5), [ONE, TWO, THREE, FOUR])
    late = Confirmed(session.agreement.digest(), FIVE, dice("question")(32))
    with pytest.raises(AggregationRefused, match="'clinic 04' missed the round before"):
        session.coordinator.receive(signed(late, key_of(FIVE)))
    for name in (ONE, TWO, THREE):
        session.coordinator.receive(session.clients[name].confirm(unmasking))
    session.coordinator.confirmations()
    silent = Revealed(session.agreement.digest(), FOUR, dict.fromkeys([ONE, TWO, THREE, FOUR], bytes(16)), {})
    with pytest.raises(AggregationRefused, match="'clinic 03' missed the round before"):
        session.coordinator.receive(signed(silent, key_of(FOUR)))
