"""The console's files: strict about what may run, kept by browsers for good, and each there under its name."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import httpx
import pytest
from tests.api.serving import Served

import protomem_api
from protomem_api.assets import MEDIA_TYPES

FOLDER = Path(protomem_api.__file__).parent / "console"
VENDORED = sorted(path for path in (FOLDER / "vendor").iterdir() if path.suffix in MEDIA_TYPES)
PAGES = ["/", "/docs"]
IMPORT = re.compile(r"""(?:from|import\()\s*"(\.{1,2}/[^"]+)\"""")


@pytest.fixture(scope="module")
def anyone(server: Served) -> httpx.Client:
    return server.client(None)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_open_and_asked_about_every_time(anyone: httpx.Client, path: str) -> None:
    page = anyone.get(path)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    again = anyone.get(path, headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", PAGES)
def test_nothing_runs_but_a_pages_own_files(anyone: httpx.Client, path: str) -> None:
    page = anyone.get(path)
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in page.headers["content-security-policy"]
    assert policy.get("require-trusted-types-for") == (None if path == "/docs" else "'script'")
    assert page.headers.get_list("cache-control") == ["no-cache"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page.text)
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", page.text)


@pytest.mark.parametrize("path", PAGES)
def test_every_file_that_a_page_names_is_kept_for_good(anyone: httpx.Client, path: str) -> None:
    named = re.findall(r'(?:href|src)="(console/[^"]+)"', anyone.get(path).text)
    assert len(named) > 5
    for name in named:
        found = anyone.get(f"/{name}")
        assert found.status_code == 200, name
        assert found.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_every_file_that_a_module_imports_is_there(anyone: httpx.Client) -> None:
    imports = 0
    for module in (FOLDER / "js").rglob("*.js"):
        for name in IMPORT.findall(module.read_text(encoding="utf-8")):
            assert (module.parent / name).resolve().is_file(), f"{module.name} imports {name}"
            imports += 1
    assert imports > 50


def test_what_compresses_is_sent_compressed_to_whom_can_read_it(anyone: httpx.Client) -> None:
    path = next(one for one in re.findall(r'"(console/[^"]+)"', anyone.get("/").text) if one.endswith("main.js"))
    plain = anyone.get(f"/{path}", headers={"Accept-Encoding": "identity"})
    packed = anyone.send(anyone.build_request("GET", f"/{path}", headers={"Accept-Encoding": "gzip"}), stream=True)
    raw = b"".join(packed.iter_raw())
    packed.close()
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content == (FOLDER / "js" / "main.js").read_bytes()
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "path",
    [
        "/console/other-release/js/main.js",
        "/console/{version}/js/none.js",
        "/console/{version}/vendor/chart.LICENSE.md",
        "/console/{version}/../app.py",
        "/console/{version}/%2e%2e/app.py",
        "/console/{version}/",
    ],
)
def test_nothing_else_is_served(anyone: httpx.Client, path: str) -> None:
    version = re.search(r'"console/([0-9a-f]+)/', anyone.get("/").text)
    assert version
    assert anyone.get(path.replace("{version}", version[1])).status_code == 404


@pytest.mark.parametrize("path", VENDORED, ids=lambda path: path.name)
def test_what_is_of_others_has_its_licence_beside_it_and_is_named(path: Path) -> None:
    readme = (FOLDER / "vendor" / "README.md").read_text(encoding="utf-8")
    assert f"`{path.name}`" in readme
    project = re.split(r"\.(?:umd|min|js|css)|-latin|-bundle", path.name)[0]
    assert list(path.parent.glob(f"{project}.LICENSE*")), f"{path.name} has no licence beside it"
