"""Changing one belief: refused where it cannot be, shown before it stands, and put on record.

change  = plan_change(config, definition, key, words)   which place of watch.toml it means
edit    = edit_for(folder, change)                      the file with it, checked, not written
shifts  = preview(app, edit.config, root, as_of)        the model run on both; nothing written
version = adopt(app, edit, root, now, reason)           the file replaced, the version recorded
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.alert import ALARMED, Rule, RuleState, State
from forecast.config import Config
from forecast.errors import UsageError
from forecast.estimate import Estimate
from forecast.names import did_you_mean
from forecast.prior import PriorVersion
from forecast.question import Question
from forecast.words import Range, parse_rate, parse_ratio, parse_share
from jobs.app import App
from jobs.decisions import Failure
from jobs.prior_ledger import settle_prior, words_of
from jobs.priors import Belief, beliefs_in
from jobs.update import Snapshots, infer, prepare, tracks_of
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
    """New words for one belief: its key in the ledger, and its place in watch.toml."""

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
        table[key] = self.words


@dataclass(frozen=True, slots=True)
class Flip:
    """A rule that the change would bring from one standing ("ok", "firing") to the other."""

    rule_id: str
    before: State
    after: State


@dataclass(frozen=True, slots=True)
class Shift:
    """One open question before and after the change."""

    question: Question
    before: Estimate
    after: Estimate
    flips: tuple[Flip, ...]


def plan_change(config: Config, definition: str, key: str, words: str) -> Change:
    """Which belief `key` means; UsageError where there is none, or the words do not say one.

    Keys are those that `priors show` prints; "share" is that of `definition`, and a tag may
    stand for its effect.
    """
    root = config.root_of(definition)
    key = key.replace('"', "")
    tag = key.removeprefix("effects.")
    place: tuple[str, ...]
    if key in _OWN_KEYS:
        parse, place = _OWN_KEYS[key], ("definitions", root, key)
    elif key == "share" or key.endswith(".share"):
        part = key.removesuffix("share").removesuffix(".") or definition
        _require_share(config, root, part)
        key, parse, place = f"{part}.share", parse_share, ("definitions", part, "share")
    elif tag in config.tags_of(root):
        # not with the indicator, which other definitions share
        key, parse = f"effects.{tag}", parse_ratio
        place = ("definitions", root, "effects", tag)
    else:
        raise UsageError(_unknown(config, root, key))
    try:
        parse(words)
    except ValueError as error:
        raise UsageError(str(error), at=key) from None
    return Change(root, key, place, words.strip())


def edit_for(folder: Path, change: Change) -> Edit:
    """watch.toml with the change, checked; nothing is written.

    ConfigError where the change contradicts another belief, no prior has such an interval, or
    the file cannot be edited.
    """
    edit = edit_watch(folder, change.apply)
    if words_of(edit.config, change.root).get(change.key) != change.words:
        place = ".".join(change.place)
        raise UsageError(f"cannot be set from here; edit {edit.path.name} yourself", at=place)
    beliefs_of(edit.config, change.root)
    return edit


def belief_at(config: Config, change: Change) -> Belief | None:
    """The belief that the change is about, as it stands in a configuration."""
    return next((b for b in beliefs_in(config, change.root) if b.key == change.key), None)


def preview(app: App, edited: Config, root: str, as_of: datetime) -> list[Shift]:
    """Every open question of the root definition, estimated with and without the edit.

    The model really runs; the store is only read.
    """
    states = {(s.rule_id, s.subject): s for s in app.store.alerts.states()}
    before = _estimates(app, root, as_of, states)
    after = _estimates(replace(app, watch=replace(app.watch, config=edited)), root, as_of, states)
    return [
        Shift(question, old, new, tuple(_flips(app.config.lines_for(question), states, old, new)))
        for question in app.store.questions()
        if (old := before.get(question.question_id)) and (new := after.get(question.question_id))
    ]


def adopt(app: App, edit: Edit, root: str, now: datetime, reason: str) -> PriorVersion:
    """Write the file and record the version, after the one that stood before."""
    settle_prior(app, root, now)
    edit.save()
    adopted = replace(app, watch=replace(app.watch, config=edit.config))
    return settle_prior(adopted, root, now, reason=reason or "retuned from the command line")


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
    if key.startswith("half_life."):
        return f"{key} stands with the indicator, which others share; edit watch.toml"
    keys = [*_OWN_KEYS, *words_of(config, root), *config.tags_of(root)]
    return f"'{root}' has no belief '{key}'{did_you_mean(key, keys)}"


def _estimates(
    app: App, root: str, as_of: datetime, states: dict[tuple[str, str], RuleState]
) -> dict[str, Estimate]:
    inside = {name for name in app.config.definitions if app.config.root_of(name) == root}
    questions = [q for q in app.store.questions() if q.definition in inside]
    found: dict[str, Estimate] = {}
    seen = Snapshots(app, as_of)
    for track in tracks_of(app, questions, []):
        if (work := prepare(app, track, seen, states)) is None:
            continue
        answer = infer(work)
        if isinstance(answer, Failure):
            raise answer.error
        found |= {e.question_id: e for e in answer.estimates}
    return found


def _flips(
    rules: list[Rule],
    states: dict[tuple[str, str], RuleState],
    before: Estimate,
    after: Estimate,
) -> list[Flip]:
    flips = []
    for rule in rules:
        state = states.get((rule.rule_id, before.question_id))
        is_up = state is not None and state.state in ALARMED
        old, new = _standing(rule, is_up, before), _standing(rule, is_up, after)
        if old is not new:
            flips.append(Flip(rule.rule_id, old, new))
    return flips


def _standing(rule: Rule, is_up: bool, estimate: Estimate) -> State:
    """Where the rule comes to stand, its dwell over, if the estimate stays as it is."""
    margin = rule.z * estimate.mcse
    if is_up:
        is_clear = estimate.probability + margin <= rule.clear_at
        return State.OK if is_clear else State.FIRING
    is_above = estimate.probability - margin >= rule.fire_at
    return State.FIRING if is_above else State.OK
