"""The total of a secure sum is the plain sum of the survivors' vectors, bit for bit, whoever drops out and when."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.federation_secure.session import (
    LAYOUT,
    NEVER,
    Session,
    agreed,
    drawn_vectors,
    names,
    plain_sum,
)

from protomem.errors import TooFewClients


@st.composite
def federations(draw: st.DrawFn) -> tuple[int, int, dict[str, int]]:
    """Clients, the minimum, and for each the round from which on it is not there."""
    count = draw(st.integers(2, 12))
    minimum = draw(st.integers(max(2, count // 2 + 1), count))
    rounds = draw(st.lists(st.sampled_from([0, 1, 2, 3, 4, NEVER, NEVER, NEVER]), min_size=count, max_size=count))
    return count, minimum, dict(zip(names(count), rounds, strict=True))


@settings(max_examples=40)
@given(federations(), st.integers(0, 2**32))
def test_the_total_is_the_plain_sum_or_is_refused(federation: tuple[int, int, dict[str, int]], seed: int) -> None:
    count, minimum, drops = federation
    vectors = dict(zip(names(count), drawn_vectors(seed, count), strict=True))
    session = Session(agreed(count, minimum))
    if sum(round == NEVER for round in drops.values()) < minimum:
        with pytest.raises(TooFewClients, match="fewer than the agreed minimum"):
            session.play(vectors, drops)
        return
    survivors = [name for name in vectors if drops[name] >= 3]
    total = session.play(vectors, drops)
    assert session.coordinator.survivors == tuple(survivors)
    assert total.tolist() == plain_sum([vectors[name] for name in survivors])


def test_fifty_clients_of_whom_ten_drop_out() -> None:
    """Before they share, mask, confirm or reveal; who drops out after masking is in the total."""
    vectors = dict(zip(names(50), drawn_vectors(1, 50), strict=True))
    drops = {name: 1 + number % 4 for number, name in enumerate(names(50)[::5])}
    total = Session(agreed(50, 34)).play(vectors, drops)
    assert total.tolist() == plain_sum([vectors[name] for name in vectors if drops.get(name, NEVER) >= 3])


def test_words_are_added_modulo_two_to_the_64() -> None:
    """−1 and the largest numbers: carries over the top bit are lost, as in int64."""
    count = 3
    vectors = drawn_vectors(0, count)
    for vector in vectors:
        vector[:] = 2**64 - 1
    total = Session(agreed(count, 2)).play(dict(zip(names(count), vectors, strict=True)), {})
    assert total.view("int64").tolist() == [-3] * LAYOUT.length


def test_a_vector_is_not_changed_by_masking() -> None:
    vectors = dict(zip(names(2), drawn_vectors(3, 2), strict=True))
    before = {name: vector.copy() for name, vector in vectors.items()}
    Session(agreed(2, 2)).play(vectors, {})
    assert all((vectors[name] == before[name]).all() for name in vectors)


@pytest.mark.parametrize("last", [0, 1, 2, 3])
def test_below_the_minimum_a_round_does_not_end_and_who_comes_late_is_welcome(last: int) -> None:
    """Two of three; the third comes after the coordinator has tried in vain."""
    session = Session(agreed(3, 3))
    vectors = dict(zip(names(3), drawn_vectors(4, 3), strict=True))
    early, late = names(3)[:2], names(3)[2]
    coordinator, client = session.coordinator, session.clients[late]
    if last == 0:
        with pytest.raises(TooFewClients, match="2 of 3 clients"):
            session.advertised(early)
        coordinator.receive(client.advertise())
        assert coordinator.roster()
    elif last == 1:
        roster = session.advertised()
        for name in early:
            coordinator.receive(session.clients[name].share(roster))
        with pytest.raises(TooFewClients, match="2 of 3 clients"):
            coordinator.deliveries()
        coordinator.receive(client.share(roster))
        assert set(coordinator.deliveries()) == set(names(3))
    elif last == 2:
        deliveries = session.shared()
        for name in early:
            coordinator.receive(session.clients[name].mask(deliveries[name], vectors[name]))
        with pytest.raises(TooFewClients, match="2 of 3 clients"):
            coordinator.unmasking()
        coordinator.receive(client.mask(deliveries[late], vectors[late]))
        assert coordinator.unmasking()
    else:
        unmasking = session.masked(vectors)
        for name in early:
            coordinator.receive(session.clients[name].confirm(unmasking))
        with pytest.raises(TooFewClients, match="2 of 3 clients"):
            coordinator.confirmations()
        coordinator.receive(client.confirm(unmasking))
        assert coordinator.confirmations()


def test_who_drops_out_between_confirming_and_revealing_is_in_the_total() -> None:
    vectors = dict(zip(names(5), drawn_vectors(5, 5), strict=True))
    session = Session(agreed(5, 3))
    total = session.play(vectors, dict(zip(names(5), [3, 4, NEVER, NEVER, NEVER], strict=True)))
    assert total.tolist() == plain_sum(list(vectors.values()))
