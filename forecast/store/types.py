"""How instants, JSON and enumerations are written in both databases."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import DateTime, Dialect, String, Text
from sqlalchemy.types import TypeDecorator, TypeEngine


@lru_cache(maxsize=1 << 16)
def utc_text(instant: datetime) -> str:
    """ISO 8601 in UTC, always with microseconds: of one width, so that text order is time order.

    Remembered, for the same few instants stand in most rows of a file.

    >>> utc_text(datetime(2025, 11, 29, tzinfo=UTC))
    '2025-11-29T00:00:00.000000+00:00'
    """
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


class UtcInstant(TypeDecorator[datetime]):
    """An aware instant; UTC when it is read back.

    SQLite has no type for it: there it is the text of `utc_text`.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(32))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone")
        return utc_text(value) if dialect.name == "sqlite" else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        instant: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
        return instant if instant.tzinfo is UTC else instant.astimezone(UTC)


class Encoded(str):
    """JSON that is text already: what many rows share is encoded once."""

    __slots__ = ()

    @classmethod
    def of(cls, value: Any) -> "Encoded":
        """Encode a value."""
        return cls(json.dumps(value, separators=(",", ":")))


_EMPTY: dict[str | None, type] = {"[]": list, "{}": dict}


class Json(TypeDecorator[Any]):
    """JSON as text, floats to the last bit, NaN and infinities included.

    PostgreSQL's own `json` refuses NaN and `jsonb` rewrites numbers; nothing queries inside.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return str(value) if isinstance(value, Encoded) else Encoded.of(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        if value in _EMPTY:  # most of what a history holds
            return _EMPTY[value]()
        return None if value is None else json.loads(value)


class Names(TypeDecorator[tuple[str, ...]]):
    """A tuple of names, as a JSON array."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...]:
        return tuple(json.loads(value)) if value else ()


class Word(TypeDecorator[StrEnum]):
    """A member of a StrEnum, written as its value."""

    impl = Text
    cache_ok = True

    def __init__(self, enum: type[StrEnum]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else self.enum(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.enum(value)


def columns_of(fact: Any) -> dict[str, Any]:
    """A slotted fact as a row, shallow: `dataclasses.asdict` copies deeply, at twice the cost."""
    return {name: getattr(fact, name) for name in fact.__slots__}
