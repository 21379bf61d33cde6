"""The family `panel`: one unit's estimate from what its class of units taught.

`learn` fits the class (see `models.panel.learn`), which takes seconds and is done now and then;
`update` answers for one unit from the class's draws, its own reports and its own events.
"""

import hashlib
import io
import math
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

import numpy as np

from forecast.clock import days_between, parse_instant
from forecast.errors import ConfigError
from forecast.estimate import Contribution, Estimate, Move
from forecast.evidence import Coverage, CoverageState
from forecast.question import Question, Snapshot
from models.api import BAND, Answer, Lesson, Task
from models.covariates import Array
from models.engine.answers import answer
from models.engine.fit import Fit, Posterior
from models.engine.gates import weights_gate
from models.engine.ladder import Rung
from models.engine.psis import Weights
from models.estimates import Told, by_count, estimate, hold
from models.felt import VISIBLE, strongest_first
from models.incidents import gather
from models.moves import move
from models.panel.choosing.table import settings_from
from models.panel.facts import Facts
from models.panel.fitted import PanelFit
from models.panel.landmarks import Landmarks
from models.panel.learn import fit
from models.panel.settings import Settings
from models.priors.beliefs import Beliefs
from models.rows import at_risk
from models.shares import share_of
from models.track import (
    already,
    coverage_of,
    estimate_digest,
    events_of,
    heard,
    lay_out,
    missing,
    snapshot_digest,
)

ORIGIN = parse_instant("1970-01-01")
MOST_ASKED = 60  # events: the recursion of the counts takes the square of it
MOST_SHOWN = 50  # incidents of a tag

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
    fitted = fit(
        class_facts(lesson.snapshots, beliefs),
        beliefs.definition,
        days_between(ORIGIN, as_of),
        beliefs.horizon,
        _settings(beliefs),
        lesson.seed,
    )
    made = replace(fitted.made, recurs=beliefs.recurrent)
    return Learnt(replace(fitted, made=made), events).to_bytes()


def class_facts(snapshots: tuple[Snapshot, ...], beliefs: Beliefs) -> Facts:
    """What the snapshots of a class say of its reports, its events and when it was at risk."""
    rows = [row for snapshot in snapshots for row in _rows(snapshot, beliefs)]
    events = [event for snapshot in snapshots for event in _events(snapshot, beliefs)]
    return Facts.of(rows, events, _spans(snapshots, beliefs))


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
        self.incidents = gather(heard(task))
        fitted = learnt.fitted
        self.weights = Weights(fitted.weights, fitted.khat, float(1.0 / np.sum(fitted.weights**2)))
        self._ahead: dict[datetime, tuple[Array, Array]] = {}

    def estimate(self, question: Question, rest: str) -> Estimate:
        """The estimate of one question."""
        if question.at_least > MOST_ASKED:
            words = f"at_least {question.at_least} is more than `panel` counts to: {MOST_ASKED}"
            raise ConfigError(words, at=question.question_id)
        first, last = self.track.window(question)
        places = self.track.shown(question)
        days = self.track.edges
        happened = already(self.task, question) if self.task.beliefs.recurrent else 0
        window, wanted = days[[last]] - days[first], missing(self.task, question)
        chance = self.chance(question, window, wanted)[:, 0]
        told = Told(
            days=days[places],
            curve=self.chance(question, days[places] - days[first], wanted),
            at_least=by_count(
                self.task,
                question,
                happened,
                len(chance),
                lambda n: self.chance(question, window, n)[:, 0],
            ),
            expected=happened + self.expected(question, float(window[0])),
        )
        rung = self._rung()
        rung = replace(rung, answers={question.question_id: answer(self.weights, chance)})
        plain = estimate(self.task, question, rung, told)
        full = replace(
            plain,
            model_hash=self.model_hash,
            inputs_digest=estimate_digest(self.task, question, self.digest, self.model_hash),
            contributions=self.contributions(),
            findings=self.learnt.fitted.findings,
            moved=self.moved(question, plain.probability, rest),
        )
        return hold(self.task, full, rung.gate)

    def chance(
        self, question: Question, days: Array, at_least: int, known_before: datetime | None = None
    ) -> Array:
        """P (draw, day) of so many events within a window of so many days."""
        shape, odds = self._at(known_before)
        share = share_of(self.task, question.definition, len(shape), known_before)[:, None]
        fitted, beliefs = self.learnt.fitted, self.task.beliefs
        if at_least < 1:
            return np.ones((len(shape), len(days)))
        if beliefs.recurrent:
            return fitted.counts(shape, share * odds * (days / fitted.horizon), at_least)[0]
        if at_least > 1 or events_of(self.task, beliefs.definition, known_before):
            return np.zeros((len(shape), len(days)))
        opening = float(self.track.edges[self.track.window(question)[0]])
        before, by_then = (
            fitted.counts(shape, odds * (end / fitted.horizon), 1)[0]
            for end in (np.array([opening]), opening + days)
        )
        return np.asarray(share * (by_then - before))

    def expected(self, question: Question, days: float) -> Array:
        """The expected number of events (draw,) in a window of so many days."""
        if not self.task.beliefs.recurrent:
            return self.chance(question, np.array([days]), 1)[:, 0]
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
                found.append(Contribution(name, middle, lower, upper, self._incidents(name)))
        return strongest_first(found)

    def _incidents(self, tag: str) -> tuple[str, ...]:
        """The incidents of a tag, the newest first."""
        mine = [i.incident_id for i in self.incidents if i.tag == tag]
        return tuple(reversed(mine[-MOST_SHOWN:]))

    def moved(self, question: Question, now: float, rest: str) -> Move | None:
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
        wanted = missing(self.task, question, last.as_of)
        then = self.chance(question, days, wanted, last.as_of)[:, 0]
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
        rows = [row for row in _rows(snapshot, self.task.beliefs) if row[3] < limit]
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


def _rows(snapshot: Snapshot, beliefs: Beliefs) -> list[Row]:
    """The reports of the tags that the definition listens to; of all, where it names none."""
    tags = {effect.tag for effect in beliefs.effects}
    return [
        (
            snapshot.unit,
            report.tag,
            days_between(ORIGIN, report.occurred_at),
            days_between(ORIGIN, report.known_at),
            report.value,
        )
        for report in snapshot.reports
        if report.known_at < snapshot.as_of and (not tags or report.tag in tags)
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
    """When each unit is at risk; None where nothing is stated: from its first row on, for good."""
    is_said = any(_said(snapshot) for snapshot in snapshots)
    if beliefs.recurrent and not beliefs.observed_since and not is_said:
        return None
    return [
        (snapshot.unit, start, end)
        for snapshot in snapshots
        for start, end in _spans_of(snapshot, beliefs)
    ]


def _spans_of(snapshot: Snapshot, beliefs: Beliefs) -> list[tuple[float, float]]:
    """From the start of observation, or the first row, less what the coverage takes away.

    What can happen only once ends the time at risk.
    """
    events, said = _events(snapshot, beliefs), _said(snapshot)
    known = [row[3] for row in _rows(snapshot, beliefs)] + [event[3] for event in events]
    start = min(known, default=math.inf)
    if beliefs.observed_since:
        start = days_between(ORIGIN, parse_instant(beliefs.observed_since))
    end = math.inf
    if not beliefs.recurrent:
        end = min((event[2] for event in events), default=math.inf)
    times = [time for span in said for time in (span.since, span.until) if time]
    inside = {days_between(ORIGIN, time) for time in times}
    marks = sorted({start, end, *(mark for mark in inside if start < mark < end)})
    return [
        (one, other)
        for one, other in pairwise(marks)
        if at_risk(said, ORIGIN, np.array([one, min(other, one + 1.0)]))[0] > 0
    ]


def _said(snapshot: Snapshot) -> list[Coverage]:
    """What is known of when the unit was at risk."""
    of_unit = (CoverageState.AT_RISK, CoverageState.NOT_AT_RISK)
    return [span for span in coverage_of(snapshot) if span.state in of_unit]


def _settings(beliefs: Beliefs) -> Settings:
    levels = tuple(e.tag for e in beliefs.effects if e.kind == "level")
    rate = (beliefs.log_rate.mean, beliefs.log_rate.sd)
    return settings_from(beliefs.settings, Settings(level_tags=levels or None, log_rate=rate))
