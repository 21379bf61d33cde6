"""The family `panel`: one unit's estimate from what its class of units taught.

`learn` fits the class (see `models.panel.learn`), which takes seconds and is done now and then;
`update` answers for one unit from the class's draws, its own reports and its own events.
"""

import hashlib
import io
import math
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from forecast.clock import days_between, parse_instant
from forecast.estimate import Contribution, Estimate, Move
from forecast.question import Question, Snapshot
from models.api import BAND, Answer, Lesson, Task
from models.covariates import Array
from models.engine.answers import answer
from models.engine.fit import Fit, Posterior
from models.engine.gates import weights_gate
from models.engine.ladder import Rung
from models.engine.psis import Weights
from models.estimates import Told, estimate, hold
from models.moves import move
from models.panel.facts import Facts
from models.panel.fitted import PanelFit
from models.panel.landmarks import Landmarks
from models.panel.learn import fit
from models.panel.settings import Settings
from models.priors.beliefs import Beliefs
from models.shares import share_of
from models.track import already, estimate_digest, lay_out, snapshot_digest

ORIGIN = parse_instant("1970-01-01")
MOST_COUNTED = 5  # P(at least 1, 2, ... events) is told up to this, or what the question asks
VISIBLE = 0.01  # a multiplier nearer to 1 than this at both ends of its band is not listed

type Row = tuple[str, str, float, float, float]
type Happened = tuple[str, str, float, float]


@dataclass(frozen=True, slots=True)
class Learnt:
    """A fitted class, and the events of its units that were known when it was learnt."""

    fitted: PanelFit
    events: tuple[Happened, ...]

    def to_bytes(self) -> bytes:
        """As a NumPy archive, without pickle."""
        buffer = io.BytesIO()
        np.savez(
            buffer,
            fitted=np.frombuffer(self.fitted.to_bytes(), np.uint8),
            names=np.array([event[:2] for event in self.events], str).reshape(-1, 2),
            times=np.array([event[2:] for event in self.events], float).reshape(-1, 2),
            allow_pickle=False,
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, learnt: bytes) -> "Learnt":
        """The inverse of `to_bytes`."""
        with np.load(io.BytesIO(learnt), allow_pickle=False) as saved:
            names, times = saved["names"].tolist(), saved["times"].tolist()
            rows = zip(names, times, strict=True)
            events = tuple((unit, kind, *when) for (unit, kind), when in rows)
            return cls(PanelFit.from_bytes(saved["fitted"].tobytes()), events)


def learn(lesson: Lesson) -> bytes:
    """What the units of a class teach as of one moment."""
    beliefs = lesson.beliefs
    as_of = lesson.snapshots[0].as_of
    events = tuple(e for snapshot in lesson.snapshots for e in _events(snapshot, beliefs))
    rows = [row for snapshot in lesson.snapshots for row in _rows(snapshot)]
    fitted = fit(
        Facts.of(rows, events, _spans(lesson.snapshots, beliefs)),
        beliefs.definition,
        days_between(ORIGIN, as_of),
        beliefs.horizon,
        _settings(beliefs),
        lesson.seed,
    )
    return Learnt(fitted, events).to_bytes()


def update(task: Task, state: bytes | None, model_hash: str) -> Answer:
    """Estimate every question of the task; the state is the digest of what was learnt."""
    learnt = task.learnt or learn(Lesson((task.snapshot,), task.beliefs, task.seed))
    digest = hashlib.sha256(learnt).digest()
    asked = _Asked(task, Learnt.from_bytes(learnt), model_hash)
    rest = "montecarlo" if state == digest else "learning"
    estimates = tuple(asked.estimate(question, rest) for question in task.questions)
    return Answer(estimates, state if state == digest else digest)


class _Asked:
    """One unit's questions, and the class that answers them."""

    def __init__(self, task: Task, learnt: Learnt, model_hash: str) -> None:
        self.task, self.learnt, self.model_hash = task, learnt, model_hash
        self.track = lay_out(task)
        self.digest = snapshot_digest(task)
        fitted = learnt.fitted
        self.weights = Weights(fitted.weights, fitted.khat, float(1.0 / np.sum(fitted.weights**2)))
        self._ahead: dict[datetime, tuple[Array, Array]] = {}

    def estimate(self, question: Question, rest: str) -> Estimate:
        """The estimate of one question."""
        first, last = self.track.window(question)
        places = self.track.shown(question)
        days = self.track.edges
        missing = max(question.at_least - already(self.task, question), 1)
        chance = self.chance(question, days[[last]] - days[first], missing)[:, 0]
        counted = range(1, max(MOST_COUNTED, question.at_least) + 1)
        by_count = [self.chance(question, days[[last]] - days[first], n)[:, 0] for n in counted]
        told = Told(
            days=days[places],
            curve=self.chance(question, days[places] - days[first], missing),
            at_least=np.stack(by_count, axis=1),
            expected=self.expected(question, float(days[last] - days[first])),
        )
        rung = self._rung()
        rung = replace(rung, answers={question.question_id: answer(self.weights, chance)})
        plain = estimate(self.task, question, rung, told)
        full = replace(
            plain,
            model_hash=self.model_hash,
            inputs_digest=estimate_digest(self.task, question, self.digest, self.model_hash),
            contributions=self.contributions(),
            moved=self.moved(question, plain.probability, missing, rest),
        )
        return hold(self.task, full, rung.gate)

    def chance(
        self, question: Question, days: Array, at_least: int, known_before: datetime | None = None
    ) -> Array:
        """P (draw, day) of so many events within a window of so many days."""
        shape, odds = self._at(known_before)
        share = share_of(self.task, question.definition, len(shape), known_before)[:, None]
        fitted = self.learnt.fitted
        return fitted.counts(shape, share * odds * (days / fitted.horizon), at_least)[0]

    def expected(self, question: Question, days: float) -> Array:
        """The expected number of events (draw,) in a window of so many days."""
        shape, odds = self._at(None)
        share = share_of(self.task, question.definition, len(shape))[:, None]
        fitted = self.learnt.fitted
        return fitted.counts(shape, share * odds * (days / fitted.horizon), 1)[1][:, 0]

    def contributions(self) -> tuple[Contribution, ...]:
        """The multiplier of each kind of column that is felt now, against the class's mean."""
        facts, now = self._facts(None), days_between(ORIGIN, self.task.snapshot.as_of)
        found = []
        parts = self.learnt.fitted.multipliers(facts, self.task.snapshot.unit, now)
        for name, multiplier in parts.items():
            middle, lower, upper = self.weights.quantiles(multiplier, (0.5, *BAND)).tolist()
            if max(abs(lower - 1), abs(upper - 1)) > VISIBLE:
                found.append(Contribution(name, middle, lower, upper, ()))
        return tuple(sorted(found, key=lambda c: (-abs(math.log(c.median)), c.tag)))

    def moved(self, question: Question, now: float, missing: int, rest: str) -> Move | None:
        """Time and evidence; where the class was learnt anew, all of it is what that taught."""
        last = self.task.previous.get(question.question_id)
        if last is None:
            return None
        if last.model_hash != self.model_hash:
            return move(last.probability, {}, now, "model")
        if rest == "learning":
            return move(last.probability, {}, now, rest)
        first, end = (self.track.edges[place] for place in self.track.window(question))
        days = np.array([end - first])
        then = self.chance(question, days, missing, last.as_of)[:, 0]
        steps = {"time": float(self.weights.mean(then)), "evidence": now}
        return move(last.probability, steps, now, rest)

    def _at(self, known_before: datetime | None) -> tuple[Array, Array]:
        """A and H/R (draw, 1) of the unit now, from what was known before a moment."""
        key = known_before or self.task.snapshot.as_of
        if key not in self._ahead:
            facts = self._facts(known_before)
            unit = np.array([facts.units.index(self.task.snapshot.unit)])
            now = np.array([days_between(ORIGIN, self.task.snapshot.as_of)])
            self._ahead[key] = self.learnt.fitted.by_draw(facts, Landmarks(unit, now))
        return self._ahead[key]

    def _facts(self, known_before: datetime | None) -> Facts:
        snapshot = self.task.snapshot
        limit = days_between(ORIGIN, known_before or snapshot.as_of)
        own = [e for e in _events(snapshot, self.task.beliefs) if e[3] < limit]
        others = [e for e in self.learnt.events if e[0] != snapshot.unit]
        rows = [row for row in _rows(snapshot) if row[3] < limit]
        facts = Facts.of(rows, [*own, *others])
        if snapshot.unit not in facts.units:
            facts = replace(facts, units=(*facts.units, snapshot.unit))
        return facts

    def _rung(self) -> Rung:
        fitted = self.learnt.fitted
        log_weights = np.log(np.maximum(fitted.weights, 1e-300))
        nothing = np.zeros(len(fitted.weights))
        kept = Fit(fitted.draws, log_weights, nothing, "R1", "", "", 0)
        posterior = Posterior(fitted.draws, log_weights, nothing)
        return Rung("R1", kept, posterior, self.weights, weights_gate(self.weights))


def _rows(snapshot: Snapshot) -> list[Row]:
    return [
        (
            snapshot.unit,
            report.tag,
            days_between(ORIGIN, report.occurred_at),
            days_between(ORIGIN, report.known_at),
            report.value,
        )
        for report in snapshot.reports
        if report.known_at < snapshot.as_of
    ]


def _events(snapshot: Snapshot, beliefs: Beliefs) -> list[Happened]:
    return [
        (
            snapshot.unit,
            beliefs.definition,
            days_between(ORIGIN, event.occurred_at),
            days_between(ORIGIN, event.known_at),
        )
        for event in snapshot.events
        if event.known_at < snapshot.as_of
        and beliefs.includes(beliefs.definition, event.definition)
    ]


def _spans(
    snapshots: tuple[Snapshot, ...], beliefs: Beliefs
) -> list[tuple[str, float, float]] | None:
    """From when each unit is watched, where that is stated; else from its first row on."""
    if not beliefs.observed_since:
        return None
    start = days_between(ORIGIN, datetime.fromisoformat(beliefs.observed_since))
    return [(snapshot.unit, start, math.inf) for snapshot in snapshots]


def _settings(beliefs: Beliefs) -> Settings:
    levels = tuple(e.tag for e in beliefs.effects if e.kind == "level")
    return Settings(
        level_tags=levels or None, log_rate=(beliefs.log_rate.mean, beliefs.log_rate.sd)
    )
