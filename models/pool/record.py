"""The record of a pool: what each member said of questions that have come out, and when.

Members are families by their name, and others under `CROWD` and their source or pattern.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase

import numpy as np

from forecast.clock import DAY, days_between, parse_instant
from forecast.question import Snapshot
from models.covariates import Array
from models.pool.recalibrate import FEWEST, NONE, Recalibration, fit_recalibration
from models.pool.stack import (
    CLASS_PRIOR,
    OF_CLASS,
    PoolFit,
    PoolPrior,
    expit,
    fit_pool,
    logits_of,
    stack_forward,
)
from models.priors.beliefs import Pooled

CROWD = "crowd: "
EPOCH = parse_instant("1970-01-01")
REFITS = 20  # of the walk whose numbers are recalibrated


@dataclass(frozen=True, slots=True)
class Said:
    """What the members said of one question at one moment, before its outcome was known.

    `moment` and `known_at`, when the outcome was, are in days since 1970; `p` is by member.
    """

    question: str
    definition: str
    moment: float
    known_at: float
    outcome: int
    p: dict[str, float]


type Record = tuple[Said, ...]


def to_bytes(record: Record) -> bytes:
    """As JSON."""
    return json.dumps([asdict(said) for said in record], sort_keys=True).encode()


def from_bytes(data: bytes) -> Record:
    """The inverse of `to_bytes`."""
    return tuple(Said(**said) for said in json.loads(data))


def day_of(moment: datetime) -> float:
    """Days since 1970."""
    return days_between(EPOCH, moment)


def said_by_others(
    snapshot: Snapshot, question_id: str, moment: datetime, pooled: Pooled
) -> dict[str, float]:
    """The newest numbers of others before a moment, by member, those too old left out.

    Of several sources of one member the mean in log odds.
    """
    newest: dict[str, float] = {}
    oldest = moment - pooled.stale_after * DAY
    for said in sorted(snapshot.crowd, key=lambda c: c.at):
        if said.question_id == question_id and oldest <= said.at < moment:
            newest[said.source] = said.probability
    found: dict[str, list[float]] = {}
    for source, p in sorted(newest.items()):
        if (member := _member_of(source, pooled)) is not None:
            found.setdefault(CROWD + member, []).append(p)
    return {name: _mean(np.array(numbers)) for name, numbers in found.items()}


def _member_of(source: str, pooled: Pooled) -> str | None:
    if pooled.crowd is None:
        return source
    return next((p for p in pooled.crowd if fnmatchcase(source, p)), None)


def _mean(p: Array) -> float:
    return float(p[0]) if len(p) == 1 else float(expit(logits_of(p).mean(keepdims=True))[0])


def is_of_class(pooled: Pooled) -> bool:
    """Whether it is the pool that a backtest of a panel walks: its families, and no other weights.

    Others may be heard beside them.
    """
    return set(pooled.families) == set(OF_CLASS) and OF_CLASS.keys().isdisjoint(
        name for name, _ in pooled.weights
    )


def prior_of(pooled: Pooled, members: tuple[str, ...]) -> PoolPrior:
    """What is believed of a pool of members before it has a record.

    Where it is that of a class, its weights are those of the walk, 1 on average as any other's,
    and its sharpness and shift are held.
    """
    weights = dict(pooled.weights)
    if is_of_class(pooled):
        weights |= {name: len(OF_CLASS) * weight for name, weight in OF_CLASS.items()}
    default = np.array([weights.get(name.removeprefix(CROWD), 1.0) for name in members])
    return replace(CLASS_PRIOR if is_of_class(pooled) else PoolPrior(default), default=default)


@dataclass(frozen=True, slots=True)
class Pooler:
    """The pool as fitted, for `members` in this order, and its recalibration."""

    members: tuple[str, ...]
    pool: PoolFit
    recalibration: Recalibration = NONE

    @classmethod
    def of(cls, record: Record, pooled: Pooled, others: Iterable[str], as_of: datetime) -> "Pooler":
        """Fitted to what of the record was known before `as_of`; `others` are heard now."""
        seen = {member for said in record for member in said.p}
        heard = sorted(name for name in {*seen, *others} if name.startswith(CROWD))
        members = (*pooled.families, *heard)
        rows = _Rows.of([s for s in record if s.known_at < day_of(as_of)], members)
        prior = prior_of(pooled, members)
        fitted = fit_pool(rows.p, rows.outcome, rows.group, prior)
        return cls(members, fitted, rows.recalibration(prior, fitted.groups))

    def table(self, *said: dict[str, float]) -> Array:
        """Numbers by member as rows (row, member); NaN where one says nothing."""
        return np.array([[row.get(name, np.nan) for name in self.members] for row in said])

    def probability(self, member_p: Array, definition: str) -> Array:
        """p (row,) of member_p (row, member), recalibrated as its reference class is.

        What all that say something hold to be impossible, or certain, is so.
        """
        said = np.isfinite(member_p)
        p = self.pool.predict(member_p)
        p = self.recalibration.apply(p, [definition] * len(p))
        for sure in (0.0, 1.0):
            p = np.where((said <= (member_p == sure)).all(axis=1) & said.any(axis=1), sure, p)
        return np.asarray(p)

    def weights(self, said: Iterable[str]) -> dict[str, float]:
        """The weight of each member that says something; they sum to 1."""
        mine = dict(zip(self.members, self.pool.weights.tolist(), strict=True))
        total = sum(mine[name] for name in said)
        return {name: mine[name] / total for name in said}


@dataclass(frozen=True, slots=True)
class _Rows:
    """The record as arrays: p (row, member), the rest (row,)."""

    p: Array
    outcome: Array
    group: np.ndarray[tuple[int], np.dtype[np.int64]]
    moment: Array
    known_at: Array
    definition: tuple[str, ...]

    @classmethod
    def of(cls, record: list[Said], members: tuple[str, ...]) -> "_Rows":
        names = sorted({said.question for said in record})
        place = {name: nth for nth, name in enumerate(names)}
        p = [[said.p.get(name, np.nan) for name in members] for said in record]
        return cls(
            p=np.array(p, float).reshape(len(record), len(members)),
            outcome=np.array([float(said.outcome) for said in record]),
            group=np.array([place[said.question] for said in record], np.int64),
            moment=np.array([said.moment for said in record]),
            known_at=np.array([said.known_at for said in record]),
            definition=tuple(said.definition for said in record),
        )

    def recalibration(self, prior: PoolPrior, questions: int) -> Recalibration:
        """From the pool's own walk over the record, each part of it pooled by what went before."""
        if questions < FEWEST:
            return NONE
        refits = np.quantile(self.known_at, np.arange(1, REFITS) / REFITS)
        p = stack_forward(
            self.p, self.outcome, self.group, self.moment, self.known_at, refits, prior
        )
        return fit_recalibration(p, self.outcome, self.group, self.definition)
