"""Days of one unit: what came in, how much of it would have been seen, and the time at risk.

A day without a report is evidence where the feed was watched, and none where it was down.
"""

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.covariates import Array, Pulses
from models.regime.prior import Prior
from models.rows import Rows, watched
from models.track import Track, coverage_of

SHORTEST = 256  # days; the fewest that are computed with, so that few structures are compiled
SIGNALS = "incident"  # the kind of indicator that can be a signal


@dataclass(frozen=True, slots=True)
class Days:
    """One row a day: whole days from the origin, and the part of today that is over.

    `counts` (day, stream) is the weight of the incidents that were first known on a day, in
    ordinary ones; `covered` (day, stream) the part of the day on which the stream would have
    been seen; `exposure`, `events` (day,) the time at risk and what happened in it. The last
    `rows` are days; those before them are padding.
    """

    counts: Array
    covered: Array
    exposure: Array
    events: Array
    rows: int

    def padded(self) -> "Days":
        """The same with padding, up to a power of two."""
        length = SHORTEST
        while length < self.rows:
            length *= 2
        return self.between(0, self.rows, length)

    def between(self, first: int, last: int, length: int | None = None) -> "Days":
        """The days from place `first` up to `last`, padded to `length`."""
        length = last - first if length is None else length
        begin = len(self.events) - self.rows

        def part(array: Array) -> Array:
            out = np.zeros((length, *array.shape[1:]))
            out[length - (last - first) :] = array[begin + first : begin + last]
            return out

        return Days(
            part(self.counts),
            part(self.covered),
            part(self.exposure),
            part(self.events),
            last - first,
        )

    @property
    def real(self) -> Array:
        """1 for days and 0 for padding (day,)."""
        return (np.arange(len(self.events)) >= len(self.events) - self.rows).astype(float)

    def digest(self) -> str:
        """SHA-256 of all of it."""
        digest = hashlib.sha256(str(self.rows).encode())
        for array in (self.counts, self.covered, self.exposure, self.events):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Heard:
    """By tag (day, tag): `counts` of what came in, and the part of each day `covered`."""

    counts: Array
    covered: Array

    @classmethod
    def of(
        cls,
        track: Track,
        pulses: Pulses,
        until: float | None = None,
        covered: Array | None = None,
    ) -> "Heard":
        """What these pulses come to by now.

        Days after `until` (days since the origin; now, where nothing is said) were not covered.
        `covered` (day, tag) says how much of each whole day was; the snapshot's own coverage,
        where nothing is said. An incident shows that its feed was up.
        """
        until = track.now if until is None else until
        days = math.floor(track.now) + 1
        if covered is None:
            covered = coverage(track, days)
        over = np.clip(until - np.arange(days), 0.0, 1.0)[:, None]
        first_known, weight, tag = pulses.whole()
        seen = (first_known >= 0) & (first_known < until) & is_signal(track)[tag]
        day = np.floor(first_known[seen]).astype(np.int64)
        tags = covered.shape[1]
        counts = np.zeros((days, tags))
        np.add.at(counts, (day, tag[seen]), weight[seen])
        covered = np.where(counts > 0, 1.0, covered * is_signal(track)) * over
        return cls(counts, covered)


def coverage(track: Track, days: int) -> Array:
    """The part of each day (day, tag) in which the feed of each tag was watched."""
    tags = [effect.tag for effect in track.task.beliefs.columns()]
    return watched(coverage_of(track.task.snapshot), tags, track.origin, np.arange(days + 1.0))


def is_signal(track: Track) -> NDArray[np.bool_]:
    """Which tags (tag,) are listened to: incidents, and not levels or dates on a calendar."""
    columns = track.task.beliefs.columns()
    return np.array([bool(e.tag) and e.kind == SIGNALS for e in columns])


def days_of(track: Track, heard: Heard, rows: Rows, prior: Prior) -> Days:
    """The padded days of a track: tags pooled into streams, and the time at risk of `rows`.

    Of the tags of a stream each is as much of it as any other, so a stream is covered as far
    as its tags are on average. Time at risk counts in whole days, so today has none yet.
    """
    members = np.array(prior.stream)[:, None] == np.arange(len(prior.names))
    exposure, events = np.zeros(len(heard.counts)), np.zeros(len(heard.counts))
    exposure[: len(rows.exposure)], events[: len(rows.events)] = rows.exposure, rows.events
    return Days(
        heard.counts @ members.astype(float),
        heard.covered @ (members / members.sum(axis=0)),
        exposure,
        events,
        rows=len(heard.counts),
    ).padded()
