"""Which kinds of channel there are: the entry points `tocsin.channels`, ours and strangers'."""

from collections.abc import Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from alerts.api import Channel, ChannelKind, Endpoint, Traits
from forecast.alert_tables import ChannelTable
from forecast.errors import ConfigError
from forecast.names import did_you_mean
from forecast.watch import resolve_reference

GROUP = "tocsin.channels"


@cache
def installed() -> tuple[EntryPoint, ...]:
    """The kinds that installed packages offer."""
    return tuple(entry_points(group=GROUP))


def open_channel(
    table: ChannelTable, entries: Iterable[EntryPoint] | None = None, folder: Path = Path()
) -> Channel:
    """The channel that a table of watch.toml in `folder` describes, its secrets resolved now.

    Opened for each send and not kept, so that a rotated secret holds from the next one on.
    ConfigError for an unknown kind, a kind that does not load, or a secret that is not there.
    """
    kind, place = kind_of(table, entries), f"channels.{table.id}"
    secret = table.secret and resolve_reference(table.secret, f"{place}.secret")
    if table.url is None and traits_of(kind).needs_url:
        raise ConfigError(f"a channel of kind {table.kind} needs a url", at=place)
    url = resolve_reference(table.url, f"{place}.url") if table.url else ""
    return kind(Endpoint(table.id, url, secret, table.options, folder))


def traits_of(kind: ChannelKind) -> Traits:
    """What a kind of channel can do."""
    found = getattr(kind, "traits", Traits())
    if not isinstance(found, Traits):
        raise ConfigError(f"`traits` of {getattr(kind, '__name__', kind)} is no alerts.api.Traits")
    return found


def kind_of(table: ChannelTable, entries: Iterable[EntryPoint] | None = None) -> ChannelKind:
    """The kind of a channel; ConfigError where it is unknown or does not load."""
    available = installed() if entries is None else entries
    return _load(table.kind, available, f"channels.{table.id}.kind")


def _load(kind: str, entries: Iterable[EntryPoint], at: str) -> ChannelKind:
    by_name = {entry.name: entry for entry in entries}
    if kind not in by_name:
        known = ", ".join(sorted(by_name)) or "none installed"
        hint = did_you_mean(kind, by_name) or f"; there are {known}"
        raise ConfigError(f"there is no kind of channel '{kind}'{hint}", at=at)
    try:
        loaded: ChannelKind = by_name[kind].load()
    except Exception as error:
        words = f"the kind of channel '{kind}' does not load: {type(error).__name__}: {error}"
        raise ConfigError(words, at=at) from error
    return loaded
