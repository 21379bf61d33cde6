"""The contract of a source: what a stranger implements to bring facts or articles in.

A source is two pure functions: how far it has read to a request, and a reply to what it brings.
Sending, addresses, deadlines, limits, retries, storing and bookkeeping are ours. A package offers
one under the entry point group `tocsin.sources`, as a callable from `Setup` to `Source`, and runs
`jobs.sources.testing.check_source` in its tests.

What cannot be asked over HTTP (a folder, a queue) is a `Puller` instead: it does its own reading.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from alerts.api import Reply
from forecast.article import Article
from forecast.source_table import SourceTable

type Cursor = Mapping[str, Any]

__all__ = [
    "Batch",
    "Cursor",
    "Item",
    "Puller",
    "Reply",
    "Request",
    "Setup",
    "Source",
    "SourceKind",
    "Traits",
]


@dataclass(frozen=True, slots=True)
class Setup:
    """One source: its table in watch.toml, its URL with the keys in it, and the watch's folder."""

    table: SourceTable
    url: str = field(default="", repr=False)
    folder: Path = Path()


@dataclass(frozen=True, slots=True)
class Traits:
    """What a kind of source can do: the attribute `traits` of its class, these where it has none.

    `brings` is what its items are where the table does not say. `pace` is the least time between
    two requests. Not `is_pulled`: it sends by itself. `needs_url`: its table has to have one.
    """

    brings: str = "reports"
    pace: timedelta = timedelta(0)
    is_pulled: bool = True
    needs_url: bool = True


@dataclass(frozen=True, slots=True)
class Request:
    """A GET of one URL, which may hold a key and so is not shown; keys in headers are added."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Item:
    """One row as a source states it: cells under our names of columns.

    `name` is its id in the source, or "". `text` is the item as it came, for the quarantine;
    `wrong` what is wrong with it, if it cannot be read.
    """

    name: str
    cells: Mapping[str, str]
    text: str = ""
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one reply brought, and how far the source has read with it.

    `cursor` is JSON, holds no secret, and is kept once all of the batch is stored: after a crash
    the same is asked again. The `known_at` of an article that states no time is `now`: it is
    moved to when the article was first seen. `files` are whole files of rows. `skipped` counts
    items that are not meant for us. With `more` the next request follows; then the cursor must
    have moved. `remark` is said where something was wrong and the rest could be read.
    """

    cursor: Cursor
    items: Sequence[Item] = ()
    articles: Sequence[Article] = ()
    files: Sequence[Path] = ()
    skipped: int = 0
    more: bool = False
    remark: str = ""


class Source(Protocol):
    """Something that answers over HTTP. Both methods are pure: no I/O, no clock, no randomness."""

    def request(self, cursor: Cursor, now: datetime) -> Request:
        """What to ask next; the cursor is empty at first."""
        ...

    def read(self, reply: Reply, cursor: Cursor, now: datetime) -> Batch:
        """What a reply with status 200 brings.

        InputError, in a line that quotes nothing of the reply, where it cannot be read at all.
        An item that cannot be read is an `Item` with what is wrong.
        """
        ...


@runtime_checkable
class Puller(Protocol):
    """Something that is read in another way. Each batch is stored before the next is asked for."""

    def pull(self, cursor: Cursor, now: datetime) -> Iterator[Batch]:
        """What is new; InputError or OutsideError, in a line, where it cannot be read."""
        ...


SourceKind = Callable[[Setup], Source | Puller]
