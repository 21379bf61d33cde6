"""The ledger of priors: watch.toml says what is believed, the store who believed it and when."""

import getpass
import os
from datetime import datetime

from forecast.config import Config
from forecast.errors import TocsinError, UsageError
from forecast.once import once
from forecast.prior import PriorVersion
from forecast.watch import load_watch
from jobs.app import App


def words_of(config: Config, definition: str) -> dict[str, str]:
    """Every prior of a root definition and those inside it, by its path, in its words."""
    root = config.root_of(definition)
    return once(config, ("words", root), lambda: _words_of(config, root))


def _words_of(config: Config, root: str) -> dict[str, str]:
    words: dict[str, str] = {}
    for name, table in config.definitions.items():
        if config.root_of(name) != root:
            continue
        prefix = "" if name == root else f"{name}."
        for key in ("base_rate", "ceiling", "share", "rest_of"):
            if text := getattr(table, key):
                words[f"{prefix}{key}"] = text
    words["unit_spread"] = config.definitions[root].unit_spread
    for tag in config.tags_of(root):
        table, indicator = config.definitions[root], config.indicators[tag]
        words[f"effects.{tag}"] = table.effects.get(tag, indicator.effect)
        words[f"half_life.{tag}"] = table.half_lives.get(tag, indicator.half_life)
    return words


def settle_prior(
    app: App, definition: str, now: datetime, *, author: str = "", reason: str = ""
) -> PriorVersion:
    """The version that stands for the words that `app` read, recorded if it is new.

    Where watch.toml was changed since, nobody said these words again: it is the version of then.
    """
    words = words_of(app.config, definition)
    last = app.store.latest_prior(definition)
    if last is not None and last.words == words and not reason:
        return last  # with a reason it is somebody's act, even if `serve` saw the file first
    if last is not None and not reason and _is_overtaken(app, definition, words):
        known = [v for v in app.store.prior_versions(definition) if v.words == words]
        if known:
            return known[-1]
    version = PriorVersion(
        definition=definition,
        version=last.version + 1 if last else 1,
        at=now,
        author=author or author_name(),
        reason=reason or ("watch.toml was edited" if last else "first version"),
        words=words,
    )
    try:
        app.store.add_prior_version(version)
    except UsageError:
        newest = app.store.latest_prior(definition)
        if reason or newest is None or newest.words != words:
            raise
        return newest  # another process that saw the same file was first
    return version


def _is_overtaken(app: App, definition: str, words: dict[str, str]) -> bool:
    """Whether watch.toml now says other words than those that were read, or cannot be read."""
    try:
        config = load_watch(app.watch.folder).config
    except TocsinError:
        return True
    return definition not in config.definitions or words_of(config, definition) != words


def author_name() -> str:
    """Who is at the keyboard, for the ledger."""
    try:
        return os.environ.get("TOCSIN_AUTHOR") or getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
