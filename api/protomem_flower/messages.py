"""The messages between coordinator and client, as Flower's records: what is asked for, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

from flwr.app import ConfigRecord, RecordDict

from protomem.errors import InvalidInput
from protomem.federation.levels import Level, check_level

__all__ = ["ACTION", "MESSAGE_TYPE", "Answered", "Asked"]

ACTION: Final = "contribute"
MESSAGE_TYPE: Final = f"query.{ACTION}"
RECORD: Final = "protomem"


@final
@dataclass(frozen=True, slots=True)
class Asked:
    """What the coordinator asks for; `whole` where what it has of the client is not what the client last sent."""

    level: Level
    min_count: int
    whole: bool

    def record(self) -> RecordDict:
        """As the content of a message."""
        return _content({"level": self.level, "min-count": self.min_count, "whole": self.whole})

    @classmethod
    def of(cls, content: RecordDict) -> Asked:
        """That of a message. Raises `InvalidInput` for any other."""
        fields = _fields(content)
        min_count, whole = fields.get("min-count"), fields.get("whole")
        if isinstance(min_count, bool) or not isinstance(min_count, int) or not isinstance(whole, bool):
            raise InvalidInput("the coordinator's message is none of protomem: use the same release on both sides")
        return cls(check_level(fields.get("level")), min_count, whole)


@final
@dataclass(frozen=True, slots=True)
class Answered:
    """What a client answers: its contribution as bytes, or why there is none."""

    client: str | None
    contribution: bytes | None
    error: str | None

    def record(self) -> RecordDict:
        """As the content of a message."""
        fields = {"client": self.client, "contribution": self.contribution, "error": self.error}
        return _content({name: value for name, value in fields.items() if value is not None})

    @classmethod
    def of(cls, content: RecordDict) -> Answered:
        """That of a message. Raises `InvalidInput` for any other: a client may send what it likes."""
        fields = _fields(content)
        client, contribution, error = (fields.get(name) for name in ("client", "contribution", "error"))
        if not (
            isinstance(client, str | None)
            and isinstance(contribution, bytes | None)
            and isinstance(error, str | None)
            and (contribution is None) != (error is None)
        ):
            raise InvalidInput("the client's answer is none of protomem: use the same release on both sides")
        return cls(client, contribution, error)


def _content(fields: Mapping[str, str | int | bool | bytes]) -> RecordDict:
    return RecordDict({RECORD: ConfigRecord(dict(fields))})


def _fields(content: RecordDict) -> Mapping[str, object]:
    record = content.get(RECORD)
    return dict(record) if isinstance(record, ConfigRecord) else {}
