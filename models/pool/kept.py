"""What a pool keeps: the states of its members and the record, as one archive without pickle."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from zipfile import BadZipFile

import numpy as np

from models.pool.record import Record, from_bytes, to_bytes

RECORD = "record"
FAMILY = "family."  # before the names of members


@dataclass(frozen=True, slots=True)
class Kept:
    """The bytes of each family (a state, or what a class taught it) and the record."""

    families: Mapping[str, bytes] = field(default_factory=dict)
    record: Record = ()

    def to_bytes(self) -> bytes:
        """Equal ones give equal bytes."""
        buffer = io.BytesIO()
        parts = {FAMILY + name: data for name, data in sorted(self.families.items())}
        parts[RECORD] = to_bytes(self.record)
        arrays = {name: np.frombuffer(data, np.uint8) for name, data in parts.items()}
        np.savez(buffer, allow_pickle=False, **arrays)
        return buffer.getvalue()

    @classmethod
    def restored(cls, data: bytes | None) -> "Kept":
        """The inverse; nothing kept, and so all anew, where there is none that can be read."""
        try:
            return cls._from(data) if data else cls()
        except (ValueError, KeyError, TypeError, OSError, EOFError, BadZipFile):
            return cls()

    @classmethod
    def _from(cls, data: bytes) -> "Kept":
        with np.load(io.BytesIO(data), allow_pickle=False) as saved:
            parts = {name: saved[name].tobytes() for name in saved.files}
        record = from_bytes(parts.pop(RECORD))
        return cls({n.removeprefix(FAMILY): part for n, part in parts.items()}, record)
