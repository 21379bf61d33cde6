"""Blocks that were done before: kept in the store, so that a walk that was killed goes on.

They are known by a digest of all that they depend on: facts, task, settings, code and seed.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from forecast.errors import StoreError
from forecast.store import Store
from jobs.backtest.blocks import Done
from jobs.backtest.packing import pack_forecasts, unpack_forecasts

_SPLIT = b"\n"  # between the head, which is JSON on one line, and the rows


def pack_done(done: Done) -> bytes:
    """A block's answer as bytes."""
    head = {
        "khat": done.khat,
        "findings": done.findings,
        "seconds": done.seconds,
        "planted": done.planted,
        "changed": done.changed,
    }
    return json.dumps(head).encode() + _SPLIT + pack_forecasts(done.rows)


def unpack_done(packed: bytes) -> Done:
    """The inverse of `pack_done`; StoreError where the bytes were damaged since."""
    try:
        head, rows = packed.split(_SPLIT, 1)
        told = json.loads(head)
        told["findings"] = tuple(told["findings"])
        return Done(rows=unpack_forecasts(rows), **told)
    except (ValueError, KeyError, TypeError):
        raise StoreError("a block that is kept is damaged") from None


class Placed(Protocol):
    """A block: it has a place in its walk."""

    @property
    def place(self) -> int:
        """From 0 on."""
        ...


@dataclass(frozen=True, slots=True)
class Kept:
    """The blocks of one walk in a store; `now` is when those are recorded that are new."""

    store: Store
    digest: str
    now: datetime

    def there(self) -> dict[int, Done]:
        """The blocks that are done, by their place; one that is damaged is to be done again."""
        found = {}
        for place, blob in self.store.backtests.parts(self.digest).items():
            with suppress(StoreError):
                found[place] = unpack_done(blob)
        return found

    def keeping(self, blocks: Sequence[Placed], done: Iterator[Done]) -> Iterator[Done]:
        """The answers of blocks, each kept before it is handed on."""
        for block, answer in zip(blocks, done, strict=True):
            blob = pack_done(answer)
            self.store.backtests.add_part(self.digest, block.place, blob, self.now)
            yield answer

    def forget(self) -> None:
        """Begin anew."""
        self.store.backtests.forget_parts(self.digest, self.now)
