"""What is known of many units: dated indicator rows, events, and when each unit is at risk."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecast.errors import InputError
from models.covariates import Array

Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Stream:
    """Dated rows, sorted by when they were known; times in days since one common origin.

    `unit` and `name` (row,) are codes, `occurred` and `known` (row,) times, `value` (row,).
    A row may be used at t only if max(occurred, known) < t; `known` is that maximum.
    """

    unit: Codes
    name: Codes
    occurred: Array
    known: Array
    value: Array

    @classmethod
    def of(
        cls, unit: Codes, name: Codes, occurred: Array, known: Array, value: Array | None = None
    ) -> "Stream":
        """Rows in any order; values are 1 where none are given."""
        occurred = np.asarray(occurred, float)
        usable = np.maximum(occurred, np.asarray(known, float))
        value = np.ones(len(occurred)) if value is None else np.asarray(value, float)
        unit, name = np.asarray(unit, np.int64), np.asarray(name, np.int64)
        order = np.lexsort((value, name, unit, occurred, usable))
        return cls(unit[order], name[order], occurred[order], usable[order], value[order])

    def __len__(self) -> int:
        return len(self.unit)

    def where(self, kept: NDArray[np.bool_]) -> "Stream":
        """Only the rows for which `kept` is true."""
        return Stream(
            self.unit[kept],
            self.name[kept],
            self.occurred[kept],
            self.known[kept],
            self.value[kept],
        )

    def before(self, t: float) -> "Stream":
        """What was usable at t."""
        return self.where(self.known < t)


@dataclass(frozen=True, slots=True)
class Spans:
    """When units are at risk and watched: `unit` (span,) codes, `start` and `end` (span,) days.

    A forecast can be asked of a unit at t where start < t <= end.
    """

    unit: Codes
    start: Array
    end: Array

    def grouped(self) -> tuple[tuple[float, float, int], ...]:
        """(start, end, how many spans) of all that are alike."""
        ends = np.stack([self.start, self.end], axis=1)
        pairs, counts = np.unique(ends, axis=0, return_counts=True)
        rows = zip(pairs.tolist(), counts.tolist(), strict=True)
        return tuple((start, end, count) for (start, end), count in rows)


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of the units of a class.

    `units`, `tags` and `kinds` name the codes of `indicators` (rows of tags) and `events` (rows
    of kinds). Without `spans` a unit is at risk from its first usable row on, for good.
    """

    units: tuple[str, ...]
    tags: tuple[str, ...]
    kinds: tuple[str, ...]
    indicators: Stream
    events: Stream
    spans: Spans | None = None

    def __post_init__(self) -> None:
        for what, stream, names in (
            ("an indicator", self.indicators, self.tags),
            ("an event", self.events, self.kinds),
        ):
            if not np.isfinite(stream.known).all():
                raise InputError(f"{what} has a time that is not a number", at="facts")
            if len(stream) and not (
                stream.unit.min() >= 0 and stream.unit.max() < len(self.units)
                and stream.name.min() >= 0 and stream.name.max() < len(names)
            ):  # fmt: skip
                raise InputError(f"{what} has a code without a name", at="facts")
            if not np.isfinite(stream.value).all():
                raise InputError(f"{what} has a value that is not a number", at="facts")

    @classmethod
    def of(
        cls,
        indicators: Iterable[tuple[str, str, float, float, float]],
        events: Iterable[tuple[str, str, float, float]],
        spans: Iterable[tuple[str, float, float]] | None = None,
    ) -> "Facts":
        """From tuples: (unit, tag, occurred, known, value), (unit, kind, occurred, known), spans
        (unit, start, end); times in days since one origin.
        """
        rows, happened = list(indicators), list(events)
        at_risk = None if spans is None else list(spans)
        units = sorted({r[0] for part in (rows, happened, at_risk or []) for r in part})
        tags, kinds = sorted({r[1] for r in rows}), sorted({e[1] for e in happened})
        unit = {name: code for code, name in enumerate(units)}
        return cls(
            tuple(units),
            tuple(tags),
            tuple(kinds),
            _stream(rows, unit, tags),
            _stream([(*e, 1.0) for e in happened], unit, kinds),
            None if at_risk is None else _spans(at_risk, unit),
        )

    def before(self, t: float) -> "Facts":
        """The facts that were usable at t; spans stay."""
        return replace(self, indicators=self.indicators.before(t), events=self.events.before(t))

    def events_of(self, kind: str) -> Stream:
        """The events of one kind; none where no event of that kind is known."""
        code = self.kinds.index(kind) if kind in self.kinds else -1
        return self.events.where(self.events.name == code)

    def incidents(self, tags: Collection[str]) -> Stream:
        """The indicator rows of some tags, each as one incident, or as much as it is of one."""
        asked = np.array([tag in tags for tag in self.tags], bool)
        rows = self.indicators.where(asked[self.indicators.name])
        return replace(rows, value=abs(one_at_most(rows.value)))

    def at_risk(self) -> Spans:
        """The spans, or from each unit's first usable row on."""
        if self.spans is not None:
            return self.spans
        start = self.first_seen()
        seen = np.flatnonzero(np.isfinite(start))
        return Spans(seen, start[seen], np.full(len(seen), np.inf))

    def since(self) -> float:
        """When the first row of all was known; infinite where there is none."""
        streams = (self.indicators, self.events)
        return float(min(stream.known.min(initial=np.inf) for stream in streams))

    def first_seen(self) -> Array:
        """When each unit's first row was known (unit,); infinite where there is none."""
        start = np.full(len(self.units), np.inf)
        for stream in (self.indicators, self.events):
            np.minimum.at(start, stream.unit, stream.known)
        return start


def one_at_most(value: Array) -> Array:
    """A count or a size (185 workers) is one incident; a strength or a denial is itself."""
    return np.clip(value, -1.0, 1.0)


def _stream(
    rows: list[tuple[str, str, float, float, float]], unit: dict[str, int], names: list[str]
) -> Stream:
    place = {name: code for code, name in enumerate(names)}
    return Stream.of(
        np.array([unit[r[0]] for r in rows], np.int64),
        np.array([place[r[1]] for r in rows], np.int64),
        *(np.array([r[i] for r in rows], float) for i in (2, 3, 4)),
    )


def _spans(spans: list[tuple[str, float, float]], unit: dict[str, int]) -> Spans:
    codes = np.array([unit[s[0]] for s in spans], np.int64)
    return Spans(codes, *(np.array([s[i] for s in spans], float) for i in (1, 2)))
