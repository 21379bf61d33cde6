"""What classes of units teach: learnt now and then, kept in the store, used by every update.

A definition whose table says `learns` is learnt from the units that its patterns fit, at most
`every` so often; in between the draws stand, and each unit's own facts are always the newest.
"""

from datetime import datetime, timedelta

from forecast.clock import format_instant, parse_instant
from forecast.errors import ConfigError
from forecast.names import matches
from forecast.question import Question, Snapshot
from forecast.store.answers import ModelState
from forecast.words import parse_days
from jobs.app import App
from models.api import Learner, Lesson
from models.priors.beliefs import beliefs_of
from models.registry import family

MARK = b"\n"  # between when it was learnt, what it was learnt with, and the bytes of the family


def learnt_of(app: App, definition: str, as_of: datetime) -> tuple[bytes | None, ModelState | None]:
    """What the class of a root definition taught by `as_of`, and what is to be kept if it is new.

    None where the definition learns from no class, or its family cannot.
    """
    table = app.config.definitions[definition]
    beliefs = beliefs_of(app.config, definition)
    model = family(beliefs.model)
    if table.learns is None:
        return None, None
    if not isinstance(model, Learner):
        words = f"the family '{beliefs.model}' learns from no class"
        raise ConfigError(words, at=f"definitions.{definition}.learns")
    key = f"class/{definition}/{beliefs.model}"
    made_with = f"{model.model_hash(beliefs)}{beliefs.digest()}{table.learns.units!r}".encode()
    every = timedelta(days=parse_days(table.learns.every))
    kept = _read(app.store.model_state(key, as_of))
    if kept and kept[1] == made_with and as_of - kept[0] < every:
        return kept[2], None
    snapshots = class_of(app, definition, as_of)
    if not snapshots:
        return None, None
    before = kept[2] if kept and kept[1] == made_with else None
    learnt = model.learn(Lesson(snapshots, beliefs, app.config.watch.seed), before)
    head = format_instant(as_of).encode()
    return learnt, (key, as_of, MARK.join((head, made_with, learnt)))


def class_of(app: App, definition: str, as_of: datetime) -> tuple[Snapshot, ...]:
    """The snapshots of the units that a root definition learns from; of all, where it says none."""
    learns = app.config.definitions[definition].learns
    patterns = learns.units if learns else ["*"]
    named = set(app.config.units)
    units = sorted(u for u in {*app.store.units(), *named} if matches(u, patterns))
    read = (_snapshot(app, unit, definition, as_of) for unit in units)
    # a unit of which something is known only later must not dilute a class of the past
    return tuple(s for s in read if s.unit in named or s.reports or s.events)


def _read(blob: bytes | None) -> tuple[datetime, bytes, bytes] | None:
    if blob is None:
        return None
    head, made_with, learnt = blob.split(MARK, 2)
    return parse_instant(head.decode()), made_with, learnt


def _snapshot(app: App, unit: str, definition: str, as_of: datetime) -> Snapshot:
    probe = Question("-", "-", unit, definition, as_of, as_of + timedelta(days=1))
    return app.store.snapshot(probe, as_of)
