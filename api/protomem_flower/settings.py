"""What the coordinator and a client are told, read once from Flower's run and node configuration."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from protomem.errors import InvalidInput
from protomem.federation.levels import LEVELS, Level, check_level, lowest

__all__ = ["ClientSettings", "CoordinatorSettings", "Value"]

Value = bool | int | float | str | bytes | list[str]
"""What Flower's configuration holds."""

MAX_SECONDS: Final = 7 * 24 * 3600.0
"""A week: longer than any client is waited for, and short enough for a typing error to be found."""

MAX_ROUNDS: Final = 1_000_000

PUBLIC_KEY: Final = re.compile("[0-9a-f]{64}")


@final
@dataclass(frozen=True, slots=True)
class CoordinatorSettings:
    """The run configuration. Its names are those of `app/pyproject.toml`, with hyphens.

    `memory` is the coordinator's file, made with `encoder` if it is not there ("" where it is). In each of `rounds`, at
    most `timeout` seconds long and `pause` seconds apart, all that are connected are asked at `level` and `min_count`,
    as in `Memory.contribution`. The first waits up to `wait` seconds for `clients` of them. `withdraw` names clients
    that are taken out first and not merged again, in later runs either, unless `readmit` names them; the names are
    parted by commas. `keys` is a JSON file of public keys (hex) by client name, and then no other client is merged.
    `report` is a JSON file of what became of each client, written anew after each round.
    """

    memory: Path
    encoder: str | None = None
    level: Level = "full"
    min_count: int = 1
    rounds: int = 1
    pause: float = 0.0
    clients: int = 1
    wait: float = 60.0
    timeout: float = 300.0
    withdraw: tuple[str, ...] = ()
    readmit: tuple[str, ...] = ()
    keys: Mapping[str, str] | None = None
    report: Path | None = None

    @classmethod
    def of(cls, config: Mapping[str, Value]) -> CoordinatorSettings:
        """Those of a run configuration. Raises `InvalidInput` for what is missing or cannot be."""
        return cls(
            memory=Path(_text(config, "memory")),
            encoder=_text(config, "encoder", "") or None,
            level=check_level(_text(config, "level", "full")),
            min_count=_whole(config, "min-count", 1),
            rounds=_whole(config, "rounds", 1),
            pause=_seconds(config, "pause", 0.0),
            clients=_whole(config, "clients", 1),
            wait=_seconds(config, "wait", 60.0),
            timeout=_seconds(config, "timeout", 300.0),
            withdraw=_names(config, "withdraw"),
            readmit=_names(config, "readmit"),
            keys=_keys(_text(config, "keys", "")),
            report=_report(_text(config, "report", "")),
        )


@final
@dataclass(frozen=True, slots=True)
class ClientSettings:
    """The node configuration of a SuperNode: `memory`, the file of the client's memory, and `client`, its name.

    `level` is the most that this client sends, and `min-count` the least examples of a label that it does, whatever the
    coordinator asks for.
    """

    memory: Path
    client: str
    level: Level = "full"
    min_count: int = 1

    @classmethod
    def of(cls, config: Mapping[str, Value]) -> ClientSettings:
        """Those of a node configuration. Raises `InvalidInput` for what is missing or cannot be."""
        return cls(
            memory=Path(_text(config, "memory")),
            client=_text(config, "client"),
            level=check_level(_text(config, "level", LEVELS[-1])),
            min_count=_whole(config, "min-count", 1),
        )

    def granted(self, level: Level, min_count: int) -> tuple[Level, int]:
        """What is sent where this much is asked for."""
        return lowest([level, self.level]), max(min_count, self.min_count)


def _text(config: Mapping[str, Value], name: str, default: str | None = None) -> str:
    value = config.get(name, default)
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise InvalidInput(f'{name} is {value!r} in the configuration of Flower: set it, as in {name}="…"')
    return value


def _whole(config: Mapping[str, Value], name: str, default: int) -> int:
    value = config.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_ROUNDS:
        raise InvalidInput(f"{name} is {value!r} in the configuration of Flower: it must be a whole number from 1")
    return value


def _seconds(config: Mapping[str, Value], name: str, default: float) -> float:
    value = config.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_SECONDS:
        raise InvalidInput(
            f"{name} is {value!r} in the configuration of Flower: it must be seconds, from 0 to {MAX_SECONDS:.0f}"
        )
    return float(value)


def _names(config: Mapping[str, Value], name: str) -> tuple[str, ...]:
    """Client names parted by commas: Flower's configuration knows no lists."""
    return tuple(part for one in _text(config, name, "").split(",") if (part := one.strip()))


def _report(path: str) -> Path | None:
    if path and not Path(path).parent.is_dir():  # found out now and not when the first round is merged
        raise InvalidInput(f"report names {path}, whose folder is not there: make it first")
    return Path(path) if path else None


def _keys(path: str) -> dict[str, str] | None:
    if not path:
        return None
    try:
        keys = json.loads(Path(path).read_text("utf-8"), object_pairs_hook=_distinct)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"keys names {path}, which cannot be read as JSON ({error})") from error
    if not isinstance(keys, dict) or not all(_is_public_key(key) for key in keys.values()):
        raise InvalidInput(
            f'the keys in {path} must be one JSON object, {{"client": "its public key", …}}, with keys of 64 hex '
            "digits as memory.public_key gives them"
        )
    return keys


def _is_public_key(key: object) -> bool:
    return isinstance(key, str) and PUBLIC_KEY.fullmatch(key) is not None


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object of JSON, in which no client has two keys."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found
