"""The files of the console and of the pages of the HTTP API, read once and kept as they are sent.

Their addresses hold a hash of all of them, so that a browser may keep each for good and never mixes two releases; only
the page itself, which names them, is asked about every time. They are compressed once and not for every request.
Litestar's static files do neither, and read the disk each time.
"""

from __future__ import annotations

import gzip
import hashlib
import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, final

from protomem_api.problem_kinds import KINDS, Kind

__all__ = ["Asset", "Console", "console"]

FOLDER: Final = Path(__file__).parent / "console"
PAGES: Final = ("index.html", "docs.html")
"""What a person opens: the console, and the pages of the HTTP API."""

PROBLEM: Final = "problem.html"
"""The page of each kind of problem, before its words are filled in."""

MEDIA_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
"""What is served. Licences and notes beside the vendored files are for whoever reads the source."""

PLAIN_SCRIPTS: Final = frozenset({"js/theme.js", "js/docs.js"})
"""No modules: what runs before the page is drawn, and what the console does not use."""

PACKED: Final = frozenset({".woff2"})
"""Compressed already."""


@final
@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent: its bytes, the same compressed (None where that gains nothing), and its entity tag."""

    content: bytes
    compressed: bytes | None
    media_type: str
    tag: str

    @classmethod
    def of(cls, content: bytes, suffix: str) -> Asset:
        packed = None if suffix in PACKED else gzip.compress(content, mtime=0)
        return cls(content, packed, MEDIA_TYPES[suffix], f'"{_hash(content)}"')


@final
@dataclass(frozen=True, slots=True)
class Console:
    """The pages, those of problems by the kind's name, and the files they are made of, by their path; `version` is the
    part of their addresses that names them.
    """

    pages: Mapping[str, Asset]
    problems: Mapping[str, Asset]
    files: Mapping[str, Asset]
    version: str


@cache
def console() -> Console:
    """The console of this release. The first call compresses it, which takes some tenths of a second."""
    found = {
        path.relative_to(FOLDER).as_posix(): path.read_bytes()
        for path in sorted(FOLDER.rglob("*"))
        if path.suffix in MEDIA_TYPES
    }
    version = _hash(b"".join(f"{name}\n{len(content)}\n".encode() + content for name, content in found.items()))
    texts = {name: found.pop(name) for name in PAGES}
    problem = found.pop(PROBLEM).replace(b"{version}", version.encode()).decode()
    modules = _preloads(found)
    pages = {
        name: text.replace(b"{modules}", modules).replace(b"{version}", version.encode())
        for name, text in texts.items()
    }
    problems = {kind.name: Asset.of(_told(problem, kind), ".html") for kind in KINDS.values()}
    return Console(_assets(pages), problems, _assets(found), version)


def _told(page: str, kind: Kind) -> bytes:
    """The page of this kind."""
    words = kind._asdict() | {"title": kind.title, "type": kind.type}
    return re.sub(r"\{(\w+)\}", lambda found: html.escape(str(words[found[1]])), page).encode()


def _assets(contents: Mapping[str, bytes]) -> dict[str, Asset]:
    return {name: Asset.of(content, Path(name).suffix) for name, content in contents.items()}


def _preloads(names: Iterable[str]) -> bytes:
    """Every module at once: a browser would learn of each only from the one that imports it, five deep."""
    modules = [name for name in names if name.startswith("js/") and name not in PLAIN_SCRIPTS]
    links = [f'<link rel="modulepreload" href="console/{{version}}/{name}">' for name in modules]
    return "\n    ".join(links).encode()


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
