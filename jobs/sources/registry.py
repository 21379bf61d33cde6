"""Which kinds of source there are: the entry points `tocsin.sources`, ours and strangers'."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from urllib.parse import quote, urlsplit

from forecast.errors import ConfigError
from forecast.names import did_you_mean
from forecast.source_table import SourceTable
from forecast.watch import resolve_reference
from jobs.sources.api import Puller, Setup, Source, SourceKind, Traits
from jobs.sources.mapping import check_mapping

GROUP = "tocsin.sources"
_LEAST_SECRET = 4  # characters; a shorter one would strike out half of every sentence


@dataclass(frozen=True, slots=True)
class Opened:
    """A source that can be asked: its keys resolved now, so that a rotated one holds at once."""

    table: SourceTable
    source: Source | Puller
    traits: Traits
    headers: Mapping[str, str] = field(repr=False)
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    def without_secrets(self, words: str) -> str:
        """`words` on one line, with nothing in it of what was given by reference."""
        for secret in self.secrets:
            words = words.replace(secret, "…").replace(quote(secret, safe=""), "…")
        return " ".join(words.split())


@cache
def installed() -> tuple[EntryPoint, ...]:
    """The kinds that installed packages offer."""
    return tuple(entry_points(group=GROUP))


def open_source(
    table: SourceTable, folder: Path = Path(), entries: Iterable[EntryPoint] | None = None
) -> Opened:
    """The source that a table of watch.toml in `folder` describes.

    ConfigError for an unknown kind, a kind that does not load, a column that is none of ours, or
    a key that is not there.
    """
    kind, place = kind_of(table, entries), f"sources.{table.id}"
    traits = traits_of(kind)
    check_mapping(table, traits.brings)
    if table.url is None and traits.needs_url:
        raise ConfigError(f"a source of kind {table.kind} needs a url", at=place)
    url = resolve_reference(table.url, f"{place}.url") if table.url else ""
    query = {n: resolve_reference(t, f"{place}.query.{n}") for n, t in table.query.items()}
    headers = {n: resolve_reference(t, f"{place}.headers.{n}") for n, t in table.headers.items()}
    if table.token:
        headers["authorization"] = f"Bearer {resolve_reference(table.token, f'{place}.token')}"
    _check_headers(headers, place)
    secrets = [*query.values(), *headers.values()]
    if table.url is not None and url != table.url:
        secrets += [url, *urlsplit(url).query.split("&"), urlsplit(url).path]
    if query:
        joined = "&".join(f"{quote(n, safe='')}={quote(t, safe='')}" for n, t in query.items())
        url = f"{url}{'&' if '?' in url else '?'}{joined}"
    return Opened(
        table,
        kind(Setup(table, url, folder)),
        traits,
        headers,
        url,
        tuple(sorted({s for s in secrets if len(s) >= _LEAST_SECRET}, key=len, reverse=True)),
    )


def kind_of(table: SourceTable, entries: Iterable[EntryPoint] | None = None) -> SourceKind:
    """The kind of a source; ConfigError where it is unknown or does not load."""
    by_name = {entry.name: entry for entry in (installed() if entries is None else entries)}
    at = f"sources.{table.id}.kind"
    if table.kind not in by_name:
        known = ", ".join(sorted(by_name)) or "none installed"
        hint = did_you_mean(table.kind, by_name) or f"; there are {known}"
        raise ConfigError(f"there is no kind of source '{table.kind}'{hint}", at=at)
    try:
        loaded: SourceKind = by_name[table.kind].load()
    except Exception as error:
        words = f"the kind of source '{table.kind}' does not load: {type(error).__name__}: {error}"
        raise ConfigError(words, at=at) from error
    return loaded


def traits_of(kind: SourceKind) -> Traits:
    """What a kind of source can do."""
    found = getattr(kind, "traits", Traits())
    if not isinstance(found, Traits):
        name = getattr(kind, "__name__", kind)
        raise ConfigError(f"`traits` of {name} is no jobs.sources.api.Traits")
    return found


def check_table(table: SourceTable) -> None:
    """ConfigError for what is wrong with a source whatever its keys are: its kind, a column."""
    check_mapping(table, traits_of(kind_of(table)).brings)


def definition_of(table: SourceTable) -> str:
    """A digest of what a source asks and how it reads it: where that changes, it reads anew."""
    how_often = {"every", "expected_gap", "size_limit", "allow"}
    return hashlib.sha256(table.model_dump_json(exclude=how_often).encode()).hexdigest()[:16]


def _check_headers(headers: Mapping[str, str], place: str) -> None:
    for name, text in headers.items():
        if not (text.isascii() and text.isprintable()):
            words = "holds what no header field may: a line break, or a letter outside ASCII"
            raise ConfigError(words, at=f"{place}.headers.{name}")
