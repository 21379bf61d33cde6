"""What a class taught a regression, and what it says of one unit at one moment.

learn    rows every third of a horizon, at every unit at risk, whose windows had ended
ask      one row: the unit as it is now, beside the events of the class as they were known
         when it was learnt
"""

import io
import json
from dataclasses import dataclass, replace

import numpy as np

from models.baselines import (
    CHANGES,
    HALF_LIVES,
    Gaps,
    Regression,
    Shares,
    columns_with,
    ended_windows,
    level_gaps,
    outcomes,
    regress,
    regressors,
)
from models.covariates import Array
from models.panel.facts import Facts, Spans, Stream
from models.panel.landmarks import Landmarks, landmarks
from models.panel.settings import Settings

type Parts = dict[str, tuple[float, float]]  # log odds and their error

MOST_ROWS = 100_000  # of a class; where there would be more, they lie further apart
HEAD = ("name", "kind", "as_of", "horizon", "step", "gaps", "tags", "units", "rows", "hits")
SUREST = 1e-12  # a hazard is finite, and not nothing
OWN, OF_CLASS = "history", "drift"  # as the family `panel` calls the like


@dataclass(frozen=True, slots=True)
class Said:
    """What a regression says of a unit: `p` of an event within a horizon from now.

    `error` is the standard error of the log hazard, from that of the coefficients (Laplace);
    `parts` are those of the log odds against the class's mean, by what they are about.
    """

    p: float
    error: float
    parts: Parts


@dataclass(frozen=True, slots=True)
class Taught:
    """A regression `name` of events of `kind`, as of a moment, with what a unit's row is made of.

    `horizon` and `step`, between rows, are in days, `as_of` in days since the facts' origin.
    `tags` and `gaps` are what is heard. `units` name the codes of `events` (event, 3): unit, when
    it occurred, when it was known; and of `spans` (span, 3): unit, from, to. It was learnt from
    `rows` windows, of which `hits` held an event.
    """

    name: str
    kind: str
    as_of: float
    horizon: float
    step: float
    regression: Regression
    shares: Shares
    gaps: Gaps
    tags: tuple[str, ...]
    units: tuple[str, ...]
    events: Array
    spans: Array
    rows: int
    hits: int

    @classmethod
    def of(
        cls,
        name: str,
        facts: Facts,
        kind: str,
        as_of: float,
        horizon: float,
        levels: tuple[str, ...] | None = None,
    ) -> "Taught":
        """Learnt from facts that were known before `as_of`; `levels` None: found from them."""
        at_risk = facts.at_risk()
        facts = heard(name, facts, kind)
        gaps = level_gaps(facts, as_of, levels)
        step = step_of(at_risk, as_of, horizon)
        marks = landmarks(at_risk, as_of - horizon, step)
        seen = columns_with(gaps, facts, kind, marks, horizon, step, at_risk)
        held = outcomes(facts, kind, marks, horizon)
        happened = (held.known < as_of).astype(float)
        shares = Shares.of(seen, np.ones(len(marks), bool), happened)
        raw, ridge = regressors(name, seen, shares)
        events = facts.events
        return cls(
            name=name,
            kind=kind,
            as_of=as_of,
            horizon=horizon,
            step=step,
            regression=regress(raw, happened, ridge),
            shares=shares,
            gaps=gaps,
            tags=facts.tags,
            units=facts.units,
            events=np.column_stack([events.unit, events.occurred, events.known]),
            spans=np.column_stack([at_risk.unit, at_risk.start, at_risk.end]),
            rows=len(marks),
            hits=int(happened.sum()),
        )

    def at(self, unit: str, own: Facts, now: float) -> Said:
        """What is said of a unit from its `own` facts (of it alone), those known before `now`."""
        row = self._row(unit, own, now)
        x, p = self.regression.design(row)[0], float(self.regression.at(row)[0])
        p = min(max(p, SUREST), 1.0 - SUREST)
        return Said(p, self._error(x) * p / -np.log1p(-p), self._parts(x))

    def _row(self, unit: str, own: Facts, now: float) -> Array:
        """The raw columns (1, column) of a unit now."""
        units = self.units if unit in self.units else (*self.units, unit)
        code = units.index(unit)
        mine = own.at_risk()
        mine = Spans(np.full(len(mine.unit), code), mine.start, mine.end)
        facts = self._beside(own, units, code)
        turns = np.floor((now - self.as_of) / self.step)
        ended = landmarks(mine, self.as_of - self.horizon + self.step * turns, self.step)
        marks = Landmarks(np.append(ended.unit, code), np.append(ended.origin, now))
        windows, hits = ended_windows(
            marks, outcomes(facts, self.kind, marks, self.horizon), self.step
        )
        asked = Landmarks(marks.unit[-1:], marks.origin[-1:])
        at_risk = _joined(mine, self._others(code))
        seen = columns_with(self.gaps, facts, self.kind, asked, self.horizon, self.step, at_risk)
        seen = replace(seen, windows=windows[-1:], hits=hits[-1:])
        return regressors(self.name, seen, self.shares)[0]

    def _beside(self, own: Facts, units: tuple[str, ...], code: int) -> Facts:
        """The unit's own facts, of what is heard, beside the events that are kept of the others."""
        kept, new = self.events[self.events[:, 0] != code], own.events_of(self.kind)
        owner = np.append(kept[:, 0].astype(np.int64), np.full(len(new), code))
        occurred, known = np.append(kept[:, 1], new.occurred), np.append(kept[:, 2], new.known)
        events = Stream.of(owner, np.zeros_like(owner), occurred, known)
        place = [self.tags.index(tag) if tag in self.tags else -1 for tag in own.tags]
        tag = np.array(place, np.int64)[own.indicators.name]
        rows = replace(own.indicators, unit=np.full(len(tag), code), name=tag).where(tag >= 0)
        return Facts(units, self.tags, (self.kind,), rows, events)

    def _others(self, code: int) -> Spans:
        kept = self.spans[self.spans[:, 0] != code]
        return Spans(kept[:, 0].astype(np.int64), kept[:, 1], kept[:, 2])

    def _names(self) -> list[str]:
        """What each raw column is about."""
        found = [OWN] * (1 + len(HALF_LIVES)) + [OF_CLASS]
        if self.name == "history":
            return found
        levels = [tag for tag in self.gaps for _ in range(1 + len(CHANGES))]
        found += ["age", "season", "season", *levels] if levels else []
        return found + [tag for tag in self.tags if tag not in self.gaps]

    def _parts(self, x: Array) -> Parts:
        """Of a row (1 + varying column,) of the design."""
        varies = self.regression.sd > 0
        names = [name for name, kept in zip(self._names(), varies, strict=True) if kept]
        found = {}
        for name in dict.fromkeys(names):
            part = x * [False, *(other == name for other in names)]
            found[name] = (float(part @ self.regression.beta), self._error(part))
        return found

    def _error(self, x: Array) -> float:
        return float(np.sqrt(x @ self.regression.covariance @ x))

    def to_bytes(self) -> bytes:
        """As a NumPy archive, without pickle; equal ones give equal bytes."""
        head = {name: getattr(self, name) for name in HEAD}
        kept = self.regression
        buffer = io.BytesIO()
        np.savez(
            buffer,
            allow_pickle=False,
            head=np.array(json.dumps(head)),
            shares=np.array([self.shares.pooled, self.shares.strength]),
            scaling=np.stack([kept.mean, kept.sd]),
            beta=kept.beta,
            covariance=kept.covariance,
            events=self.events,
            spans=self.spans,
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, learnt: bytes) -> "Taught":
        """The inverse of `to_bytes`."""
        with np.load(io.BytesIO(learnt), allow_pickle=False) as saved:
            head = json.loads(str(saved["head"]))
            head |= {name: tuple(head[name]) for name in ("tags", "units")}
            mean, sd = saved["scaling"]
            return cls(
                **head,
                regression=Regression(mean, sd, saved["beta"], saved["covariance"]),
                shares=Shares(*saved["shares"].tolist()),
                events=saved["events"],
                spans=saved["spans"],
            )


def heard(name: str, facts: Facts, kind: str) -> Facts:
    """What of the facts a regression hears: events of the kind, and `logistic` all indicators."""
    events = facts.events_of(kind)
    facts = replace(facts, kinds=(kind,), events=replace(events, name=np.zeros_like(events.name)))
    if name == "logistic":
        return facts
    return replace(facts, tags=(), indicators=facts.indicators.before(-np.inf))


def step_of(at_risk: Spans, as_of: float, horizon: float) -> float:
    """Days between the rows of a unit: as a panel has it, or more where they would be too many."""
    step = Settings().step * horizon
    watched = np.minimum(at_risk.end, as_of - horizon) - at_risk.start
    return step * max(float(np.maximum(watched, 0.0).sum()) / step / MOST_ROWS, 1.0)


def _joined(one: Spans, other: Spans) -> Spans:
    return Spans(
        np.append(one.unit, other.unit),
        np.append(one.start, other.start),
        np.append(one.end, other.end),
    )
