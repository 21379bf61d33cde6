"""Changing beliefs: refused where they cannot be, put into watch.toml, and put on record.

change  = plan_change(config, definition, key, words)   which place of watch.toml it means
edit    = edit_for(folder, root, changes)               the file with them, checked, not written
          jobs.prior_preview                            what they would do; nothing is written
version = adopt(app, edit, root, now, reason)           the file replaced, the version recorded
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.config import Config
from forecast.errors import ConfigError, UsageError
from forecast.names import did_you_mean
from forecast.prior import PriorVersion
from forecast.words import Range, parse_half_life, parse_rate, parse_ratio, parse_share
from jobs.app import App
from jobs.attainable import nearest, nearest_said
from jobs.prior_ledger import settle_prior, words_of
from jobs.priors import Belief, beliefs_in
from jobs.watch_file import Edit, edit_watch
from models.priors.beliefs import beliefs_of

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

_OWN_KEYS: dict[str, Callable[[str], Range]] = {
    "base_rate": parse_rate,
    "ceiling": parse_rate,
    "unit_spread": parse_ratio,
}


@dataclass(frozen=True, slots=True)
class Change:
    """New words for one belief: its key in the ledger, and its place in watch.toml.

    Without words the key is taken out.
    """

    root: str
    key: str
    place: tuple[str, ...]
    words: str

    def apply(self, document: "TOMLDocument") -> None:
        """Set the words in the document; a table that is missing is made."""
        import tomlkit

        *tables, key = self.place
        table: Any = document
        for name in tables:
            if name not in table:
                table[name] = tomlkit.inline_table()
            table = table[name]
        if self.words:
            table[key] = self.words
        else:
            table.pop(key, None)


def plan_change(config: Config, definition: str, key: str, words: str) -> Change:
    """Which belief `key` means; UsageError where there is none, or the words do not say one.

    Keys are those that `priors show` prints; "share" is that of `definition`, and a tag may
    stand for its effect. Effects and half-lives go with the definition, not with the indicator,
    which other definitions share.
    """
    root = config.root_of(definition)
    key, place, parse = place_of(config, definition, key)
    try:
        parse(words)
    except ValueError as error:
        hint = nearest_said(key, words, parse)
        raise UsageError(f"{error}{hint}", at=key) from None
    return Change(root, key, place, words.strip())


def place_of(
    config: Config, definition: str, key: str
) -> tuple[str, tuple[str, ...], Callable[[str], Range]]:
    """The full key of a belief, its place in watch.toml, and how its words are read."""
    root = config.root_of(definition)
    key = key.replace('"', "")
    tag = key.removeprefix("effects.")
    faded = key.removeprefix("half_life.")
    if key in _OWN_KEYS:
        return key, ("definitions", root, key), _OWN_KEYS[key]
    if key == "share" or key.endswith(".share"):
        part = key.removesuffix("share").removesuffix(".") or definition
        _require_share(config, root, part)
        return f"{part}.share", ("definitions", part, "share"), parse_share
    if faded != key and faded in config.tags_of(root):
        return key, ("definitions", root, "half_lives", faded), parse_half_life
    if tag in config.tags_of(root):
        return f"effects.{tag}", ("definitions", root, "effects", tag), parse_ratio
    raise UsageError(_unknown(config, root, key))


def plan_words(
    config: Config, root: str, words: Mapping[str, str]
) -> tuple[list[Change], list[str]]:
    """The changes that bring all beliefs of a root definition to `words`, and what is left out.

    Left out, in words: beliefs about what is no more, and what only an editor can change.
    """
    now = words_of(config, root)
    changes, left_out = [], []
    for key, text in words.items():
        if now.get(key) == text:
            continue
        if key.endswith("rest_of"):
            left_out.append(f"{key} is about which definition lies where; edit watch.toml")
            continue
        try:
            changes.append(plan_change(config, root, key, text))
        except UsageError as error:
            left_out.append(f"{key}: {error.message}")
    for key in now.keys() - words.keys():
        if key == "ceiling":
            changes.append(Change(root, key, ("definitions", root, key), ""))
        else:
            left_out.append(f"{key} is newer, and stays as it is")
    return changes, sorted(left_out)


def edit_for(folder: Path, root: str, changes: Sequence[Change]) -> Edit:
    """watch.toml with the changes, checked; nothing is written.

    ConfigError where they contradict another belief, no prior has such an interval, or the file
    cannot be edited.
    """

    def apply(document: "TOMLDocument") -> None:
        for change in changes:
            change.apply(document)

    edit = edit_watch(folder, apply)
    words = words_of(edit.config, root)
    for change in changes:
        if words.get(change.key, "") != change.words:
            place = ".".join(change.place)
            raise UsageError(f"cannot be set from here; edit {edit.path.name} yourself", at=place)
    try:
        beliefs_of(edit.config, root)
    except ConfigError as error:
        hints = (nearest(edit.config, root, c.key, c.words) for c in changes)
        hint = next((hint for hint in hints if hint), "")
        at = (error.at or "").replace("definitions.*", f"definitions.{root}")
        raise ConfigError(f"{error.message}{hint}", at=at) from None
    return edit


def belief_at(config: Config, change: Change) -> Belief | None:
    """The belief that the change is about, as it stands in a configuration."""
    return next((b for b in beliefs_in(config, change.root) if b.key == change.key), None)


def adopt(
    app: App, edit: Edit, root: str, now: datetime, reason: str, author: str = ""
) -> PriorVersion:
    """Write the file and record the version, after the one that stood before."""
    settle_prior(app, root, now)
    edit.save()
    adopted = replace(app, watch=replace(app.watch, config=edit.config))
    reason = reason or "retuned from the command line"
    return settle_prior(adopted, root, now, author=author, reason=reason)


def sharing(config: Config, root: str, key: str) -> list[str]:
    """The other root definitions that listen to the tag of an effect or a half-life."""
    tag = key.removeprefix("effects.").removeprefix("half_life.")
    return [
        name
        for name, table in config.definitions.items()
        if table.within is None and name != root and tag in config.tags_of(name)
    ]


def _require_share(config: Config, root: str, part: str) -> None:
    parts = [n.definition for n in beliefs_of(config, root).narrower if n.share is not None]
    if part in parts:
        return
    table = config.definitions.get(part)
    if table is not None and table.rest_of is not None:
        hint = f"it is what '{table.rest_of}' leaves; set the share of that"
    elif parts:
        hint = f"those with one are {', '.join(parts)}"
    else:
        hint = f"nothing lies within '{root}'"
    raise UsageError(f"'{part}' has no share of its own: {hint}")


def _unknown(config: Config, root: str, key: str) -> str:
    keys: Iterable[str] = [*_OWN_KEYS, *words_of(config, root), *config.tags_of(root)]
    near = did_you_mean(key, list(keys)) or f"; `tocsin priors show {root}` lists what it has"
    return f"'{root}' has no belief '{key}'{near}"
