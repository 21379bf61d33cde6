"""The leak check's seeds: facts as they might have become known later, which must change nothing.

At an origin t everything that was usable stays; what became known at t or after it is scrambled,
and rows are added: of times before t that become known only at t or later, and of times to
come, of known tags and of one that nobody had heard of. There is no new unit: who is at risk
belongs to the question, and sums over more units differ in their last bits.
"""

from dataclasses import replace

import numpy as np

from models.covariates import Array
from models.panel.facts import Codes, Facts, Spans, Stream

PLANTED = 200  # rows of indicators, and as many events
FAR_BACK, FAR_AHEAD = 400.0, 400.0  # days
LATE = 30.0
STRANGE = 1000.0  # a value


def plant(facts: Facts, kind: str, at: float, seed: int) -> tuple[Facts, int]:
    """Facts that nobody at `at` could tell from these, and how many rows are new or changed."""
    rng = np.random.default_rng([seed, abs(int(at * 1440))])
    facts = replace(
        facts,
        tags=(*facts.tags, "planted"),
        kinds=facts.kinds if kind in facts.kinds else (*facts.kinds, kind),
    )
    rows, changed_rows = _sown(facts.indicators, len(facts.units), len(facts.tags), at, rng)
    events, changed_events = _sown(facts.events, len(facts.units), len(facts.kinds), at, rng)
    spans = None if facts.spans is None else _prolonged(facts.spans, at)
    planted = replace(facts, indicators=rows, events=events, spans=spans)
    return planted, changed_rows + changed_events


def _sown(
    stream: Stream, units: int, names: int, at: float, rng: np.random.Generator
) -> tuple[Stream, int]:
    """What was usable before `at`, what was not in disorder, and rows that are new."""
    before, later = stream.where(stream.known < at), stream.where(stream.known >= at)
    back = at - rng.uniform(0.0, FAR_BACK, PLANTED)
    ahead = at + rng.uniform(0.0, FAR_AHEAD, PLANTED)
    is_old = rng.random(PLANTED) < 0.5
    known = np.where(rng.random(PLANTED) < 0.5, at, at + rng.uniform(0.0, LATE, PLANTED))
    new = Stream.of(
        rng.integers(0, units, PLANTED),
        rng.integers(0, names, PLANTED),
        np.where(is_old, back, ahead),
        known,
        np.where(rng.random(PLANTED) < 0.5, 1.0, STRANGE),
    )
    disordered = replace(later, unit=rng.permutation(later.unit), value=later.value[::-1] * 2.0)
    parts = (before, disordered, new)
    whole = Stream.of(
        _joined(*(p.unit for p in parts)),
        _joined(*(p.name for p in parts)),
        *(np.concatenate([getattr(p, f) for p in parts]) for f in ("occurred", "known", "value")),
    )
    return whole, len(later) + PLANTED


def _joined(*codes: Codes) -> Codes:
    return np.concatenate(codes)


def _prolonged(spans: Spans, at: float) -> Spans:
    """Spans that end later, where their end had not come."""
    end: Array = np.where(spans.end >= at, spans.end + FAR_AHEAD, spans.end)
    return Spans(spans.unit, spans.start, end)
