"""Who may do what, on every route: a call without the right never shows whether something exists."""

from __future__ import annotations

import stat
from collections.abc import Iterator

import httpx
import pytest
from tests.api.serving import Served, served, wait_until

import protomem
from protomem_api import KeyFile, Settings
from protomem_api.keys import Key

HERE, ELSEWHERE, NOWHERE = "rights-here", "rights-elsewhere", "rights-nowhere"

OF_A_MEMORY = [
    ("GET", "", "read", None),
    ("DELETE", "", "admin", None),
    ("POST", "/learn", "write", {"items": [[1, 2]], "labels": ["a"], "ids": ["x"]}),
    ("POST", "/forget", "write", {"ids": ["x"]}),
    ("POST", "/trim", "write", {"to": 1}),
    ("POST", "/predict", "read", {"items": [[1, 2]], "among": ["secret"]}),
    ("POST", "/suggest", "read", {"items": [[1, 2]]}),
    ("GET", "/classes", "read", None),
    ("GET", "/examples", "read", None),
    ("GET", "/receipts", "read", None),
    ("GET", "/map", "read", None),
    ("POST", "/id-hash", "read", {"id": "x"}),
    ("POST", "/verify", "write", None),
    ("POST", "/purge", "write", None),
    ("POST", "/report", "read", {}),
    ("POST", "/contributions", "write", {"client": "clinic"}),
    ("POST", "/merge", "write", None),
    ("POST", "/withdraw", "write", {"client": "clinic"}),
    ("GET", "/clients", "read", None),
]
OF_THE_SERVER = [
    ("GET", "/v1/keys", None),
    ("POST", "/v1/keys", {"name": "mine", "role": "admin"}),
    ("DELETE", "/v1/keys/0000", None),
]
ROLES = ("read", "write", "admin")


@pytest.fixture(scope="module")
def memories(admin: httpx.Client) -> None:
    """Two memories that there are; NOWHERE is none."""
    for name in (HERE, ELSEWHERE):
        admin.post("/v1/memories", json={"name": name, "encoder": "vectors:2", "width": 8})
        admin.post(f"/v1/memories/{name}/learn", json={"items": [[1, 0]], "labels": ["secret"], "ids": ["x"]})


@pytest.fixture(scope="module")
def clients(server: Served) -> dict[str, httpx.Client]:
    """For each role a client with a key for HERE alone."""
    contributor = server.client("contribute", [HERE, NOWHERE], {"clinic": None})
    return {role: server.client(role, [HERE]) for role in ROLES} | {"contribute": contributor}


def test_every_route_is_in_these_tables(admin: httpx.Client) -> None:
    paths = httpx.get(f"{admin.base_url}/schema").json()["paths"]
    known = {(method, f"/v1/memories/{{name}}{path}") for method, path, _, _ in OF_A_MEMORY}
    known |= {(method, path.replace("0000", "{id}")) for method, path, _ in OF_THE_SERVER}
    known |= {("GET", "/v1/memories"), ("POST", "/v1/memories"), ("GET", "/metrics")}
    known |= {
        ("GET", "/v1/jobs"),
        ("GET", "/v1/jobs/{id}"),
        ("GET", "/v1/jobs/{id}/events"),
        ("POST", "/v1/jobs/{id}/cancel"),
    }
    known |= {("GET", "/health/live"), ("GET", "/health/ready")}
    assert {(method.upper(), path) for path, methods in paths.items() for method in methods} == known


@pytest.mark.usefixtures("memories")
@pytest.mark.parametrize("authorization", [None, "Bearer pm_wrong", "Basic YTpi", "Bearer", "pm_wrong"])
def test_without_a_known_key_every_route_answers_the_same(server: Served, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    with httpx.Client(base_url=server.url, headers=headers) as stranger:
        answers = [
            stranger.request(method, f"/v1/memories/{name}{path}", json=body)
            for method, path, _, body in OF_A_MEMORY
            for name in (HERE, NOWHERE)
        ]
        answers += [stranger.request(method, path, json=body) for method, path, body in OF_THE_SERVER]
        answers += [stranger.get("/v1/memories"), stranger.get("/metrics")]
        answers += [stranger.post("/v1/memories", json={"name": HERE, "encoder": "vectors:2"})]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["www-authenticate"] for answer in answers} == {'Bearer realm="protomem"'}
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.usefixtures("memories")
@pytest.mark.parametrize(("method", "path", "needed", "body"), OF_A_MEMORY)
@pytest.mark.parametrize("role", ROLES)
def test_a_key_without_the_right_cannot_tell_what_exists(
    admin: httpx.Client,
    clients: dict[str, httpx.Client],
    method: str,
    path: str,
    needed: str,
    body: dict | None,
    role: str,
) -> None:
    """Another's memory, none at all, and one's own where the role is not enough: one answer, and nothing done."""
    before = admin.get(f"/v1/memories/{HERE}").json()
    asked = [ELSEWHERE, NOWHERE]
    if ROLES.index(role) < ROLES.index(needed):
        asked.append(HERE)
    answers = [clients[role].request(method, f"/v1/memories/{name}{path}", json=body) for name in asked]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert admin.get(f"/v1/memories/{HERE}").json() == before
    assert admin.get(f"/v1/memories/{ELSEWHERE}").status_code == 200


@pytest.mark.usefixtures("memories")
@pytest.mark.parametrize(("method", "path", "_needed", "body"), [row for row in OF_A_MEMORY if row[1] != "/merge"])
def test_a_key_that_may_contribute_may_do_nothing_else(
    clients: dict[str, httpx.Client], method: str, path: str, _needed: str, body: dict | None
) -> None:
    names = (HERE, ELSEWHERE, NOWHERE)
    answers = [clients["contribute"].request(method, f"/v1/memories/{name}{path}", json=body) for name in names]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert clients["contribute"].get("/v1/memories").json()["memories"] == []
    assert clients["contribute"].post("/v1/memories", json={"name": HERE, "encoder": "vectors:2"}).status_code == 404


@pytest.mark.usefixtures("memories")
def test_a_key_that_may_contribute_does_so_for_its_clients_in_its_memories(
    admin: httpx.Client, clients: dict[str, httpx.Client]
) -> None:
    """Of another client, of a memory that is not there, and of one that is another's: one answer, and nothing done."""

    def merged(client: str, name: str) -> httpx.Response:
        with protomem.open(None, encoder=protomem.Vectors(2), width=8) as memory:
            memory.learn([[1, 0]], ["secret"])
            document = memory.contribution(client).to_bytes()
        headers = {"Content-Type": "application/octet-stream"}
        return clients["contribute"].post(f"/v1/memories/{name}/merge", content=document, headers=headers)

    before = admin.get(f"/v1/memories/{HERE}").json()
    refused = [merged("another", HERE), merged("another", NOWHERE), merged("clinic", NOWHERE)]
    refused += [merged("clinic", ELSEWHERE), merged("another", ELSEWHERE)]
    assert {answer.status_code for answer in refused} == {404}
    assert len({answer.content for answer in refused}) == 1
    assert admin.get(f"/v1/memories/{HERE}").json() == before
    assert merged("clinic", HERE).json()["kind"] == "merge"


@pytest.mark.usefixtures("memories")
@pytest.mark.parametrize(("method", "path", "body"), OF_THE_SERVER)
@pytest.mark.parametrize("role", [*ROLES, "contribute"])
def test_keys_are_for_an_admin_of_all(
    clients: dict[str, httpx.Client], method: str, path: str, body: dict | None, role: str
) -> None:
    answer = clients[role].request(method, path, json=body)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


@pytest.mark.usefixtures("memories")
def test_a_list_shows_what_the_key_may_read(admin: httpx.Client, clients: dict[str, httpx.Client]) -> None:
    assert [one["name"] for one in clients["read"].get("/v1/memories").json()["memories"]] == [HERE]
    assert {HERE, ELSEWHERE} <= {
        one["name"] for one in admin.get("/v1/memories", params={"limit": 1_000}).json()["memories"]
    }


@pytest.mark.usefixtures("memories")
def test_an_admin_of_some_creates_none_but_these(clients: dict[str, httpx.Client]) -> None:
    for name, status in ((HERE, 200), (ELSEWHERE, 404), (NOWHERE, 404)):
        answer = clients["admin"].post("/v1/memories", json={"name": name, "encoder": "vectors:2", "width": 8})
        assert answer.status_code == status
    for role in ("read", "write"):
        assert clients[role].post("/v1/memories", json={"name": HERE, "encoder": "vectors:2"}).status_code == 404


@pytest.mark.usefixtures("memories")
def test_each_role_may_do_what_those_before_it_may(clients: dict[str, httpx.Client]) -> None:
    learn = {"items": [[0, 1]], "labels": ["b"]}
    for role in ROLES:
        assert clients[role].post(f"/v1/memories/{HERE}/predict", json={"items": [[1, 2]]}).status_code == 200
    for role in ROLES[1:]:
        assert clients[role].post(f"/v1/memories/{HERE}/learn", json=learn).status_code == 200


def test_keys_made_and_deleted_by_another_process_are_known(server: Served) -> None:
    other = KeyFile(server.settings.data)
    key, secret = other.create("made elsewhere", "read")
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {secret}"}) as client:
        wait_until(lambda: client.get("/v1/memories/not-there").status_code == 404)
        other.delete(key.id)
        wait_until(lambda: client.get("/v1/memories/not-there").status_code == 401)


def test_a_kept_key_is_a_hash_that_only_its_owner_may_read(server: Served) -> None:
    _, secret = KeyFile(server.settings.data).create("kept", "read")
    file = server.settings.data / "keys.json"
    assert secret not in file.read_text()
    assert len(secret) == len("pm_") + 43
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["keys", "server", "jobs"])
def test_no_name_of_a_memory_makes_it_another_file_of_the_folder(
    admin: httpx.Client, server: Served, name: str
) -> None:
    keys = (server.settings.data / "keys.json").read_bytes()
    assert admin.post("/v1/memories", json={"name": name, "encoder": "vectors:2", "width": 8}).status_code == 201
    assert (server.settings.data / "keys.json").read_bytes() == keys
    assert admin.delete(f"/v1/memories/{name}").status_code == 204
    assert (server.settings.data / "keys.json").read_bytes() == keys


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("needed", ROLES)
def test_a_role_is_enough_for_itself_and_those_before(role: str, needed: str) -> None:
    enough = ROLES.index(role) >= ROLES.index(needed)
    everywhere = Key("1", "n", role, None, "", "")  # type: ignore[arg-type]
    somewhere = Key("1", "n", role, ("a",), "", "")  # type: ignore[arg-type]
    assert everywhere.may(needed) is enough  # type: ignore[arg-type]
    assert everywhere.may(needed, "a") is enough  # type: ignore[arg-type]
    assert somewhere.may(needed, "a") is enough  # type: ignore[arg-type]
    assert not somewhere.may(needed, "b")  # type: ignore[arg-type]
    assert not somewhere.may(needed)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that asks for no keys."""
    with served(Settings(data=tmp_path_factory.mktemp("open"), auth=False)) as running:
        yield running


def test_without_keys_a_page_from_elsewhere_is_refused(open_server: Served) -> None:
    body = {"name": "a", "encoder": "vectors:2", "width": 8}
    with httpx.Client(base_url=open_server.url) as client:
        for headers in ({"Origin": "https://elsewhere.example"}, {"Origin": "null"}, {"Host": "elsewhere.example"}):
            answer = client.post("/v1/memories", json=body, headers=headers)
            assert (answer.status_code, answer.json()["type"]) == (403, "/problems/foreign-origin")
        plain = client.post("/v1/memories", content=b"{}", headers={"Content-Type": "text/plain"})
        assert plain.status_code == 415
        assert client.get("/v1/memories").json()["memories"] == []
        assert client.post("/v1/memories", json=body, headers={"Origin": open_server.url}).status_code == 201
