"""From draws to the number of events in a question's window.

What is known of the unit's own history is what is left of it at the start of today, and the
events of today, which begin to count tomorrow. A day has one rate, so what is left of today
counts by its length. The background ahead follows each draw's own future.
"""

from datetime import datetime

import numpy as np

from forecast.clock import days_between
from forecast.errors import ConfigError
from forecast.question import Question
from models.api import MOST_COUNTED
from models.covariates import Array
from models.hazard.settings import Setting
from models.hazard.signals import Signals
from models.self_exciting.cascade import Ahead, days_ahead
from models.self_exciting.density import Density, Theta
from models.shares import share_of
from models.track import Track, already, events_of, missing

MOST_ASKED = 200  # the cost of an answer grows with the square of the number asked for
MOST_PRODUCTS = 4000  # of a draw and a day, over all points of a curve


class Outlook:
    """What the draws of a fit say of the days ahead, remembered within one update."""

    def __init__(self, track: Track, density: Density, setting: Setting) -> None:
        self.track, self.density, self.setting = track, density, setting
        self._ahead: dict[tuple[int, int, datetime | None], Ahead] = {}
        self._chances: dict[tuple[int, str, datetime | None], Array] = {}
        self._kept: list[object] = []  # alive, so that an id stands for one of them

    def ahead(self, draws: Array, signals: Signals, known_before: datetime | None = None) -> Ahead:
        """The days to the horizon for draws, under the evidence and the events that were known."""
        key = (id(draws), id(signals), known_before)
        if key not in self._ahead:
            self._kept += [draws, signals]
            self._ahead[key] = self._made(draws, signals, known_before)
        return self._ahead[key]

    def _made(self, draws: Array, signals: Signals, known_before: datetime | None) -> Ahead:
        track, theta = self.track, Theta.of(draws)
        width = days_ahead(track.now, float(track.edges[-1]))
        background = self._background(theta, draws, signals, width)
        days, midnight = self.days_of_events(known_before), np.floor(track.now)
        today = theta.left(days[days < midnight], midnight)
        tomorrow = theta.decay * today + np.sum(days == midnight)
        later = tomorrow * theta.decay ** np.arange(len(width) - 1)[:, None]
        left = np.concatenate([today[None], later])
        excited = theta.branching * (1 - theta.decay) * left * width[:, None]
        return Ahead(width, background + excited, theta.branching, theta.decay)

    def _background(self, theta: Theta, draws: Array, signals: Signals, width: Array) -> Array:
        """Expected number (day, draw) of events that nothing set off, in each day ahead."""
        edges, task = self.track.edges, self.track.task
        x = signals.ahead(self.track.now, edges, len(draws), task.seed, self.setting)
        rate = np.exp(theta.log_rate[:, None] + self.density.log_multiplier(draws, x))
        ends = np.cumsum(width)[:, None]
        shared = np.minimum(ends, edges[1:]) - np.maximum(ends - width[:, None], edges[:-1])
        return np.asarray(np.maximum(shared, 0.0) @ rate.T)

    def days_of_events(self, known_before: datetime | None = None) -> Array:
        """Days since the origin, whole, of the events up to today that were known by then."""
        happened = events_of(self.track.task, self.track.task.beliefs.definition, known_before)
        days = np.array([days_between(self.track.origin, e.occurred_at) for e in happened])
        return np.asarray(np.floor(days[days < np.floor(self.track.now) + 1]))

    def chance(
        self, ahead: Ahead, question: Question, known_before: datetime | None = None
    ) -> Array:
        """P (draw,) that the window has as many events as the question asks for."""
        key = (id(ahead), question.question_id, known_before)
        if key not in self._chances:
            _, last = self.track.window(question)
            [self._chances[key]] = self.chances(ahead, question, [last], known_before)
        return self._chances[key]

    def chances(
        self,
        ahead: Ahead,
        question: Question,
        places: list[int],
        known_before: datetime | None = None,
    ) -> Array:
        """The same (place, draw) for windows that end at other places among the edges."""
        task, edges = self.track.task, self.track.edges
        start = float(edges[self.track.window(question)[0]])
        asked = self.still_asked(question, known_before)
        inside = ahead.inside(start, edges[places])
        if asked == 1 and start == 0.0 and question.definition == task.beliefs.definition:
            return ahead.any(inside)
        share = share_of(task, question.definition, len(ahead.decay), known_before)
        return np.asarray(1.0 - ahead.fewer(inside, share, asked).sum(axis=0))

    def counts(self, ahead: Ahead, question: Question) -> tuple[Array, Array]:
        """P of at least 1, 2, ... events (n, draw) in the window, and their mean number (draw,)."""
        first, last = self.track.window(question)
        inside = ahead.inside(float(self.track.edges[first]), self.track.edges[[last]])
        share = share_of(self.track.task, question.definition, len(ahead.decay))
        happened, shown = already(self.track.task, question), max(MOST_COUNTED, question.at_least)
        law = ahead.fewer(inside, share, max(shown - happened, 1))[:, 0]
        known = np.ones((min(happened, shown), len(share)))
        more = 1.0 - np.cumsum(law, axis=0)[: shown - len(known)]
        return np.concatenate([known, more]), happened + ahead.mean(inside[0], share)

    def shown(self, question: Question) -> list[int]:
        """The places of the curve: fewer the more events are asked for, as each costs n^2."""
        first, last = self.track.window(question)
        places = self.track.shown(question)
        most = max(MOST_PRODUCTS // self.still_asked(question) ** 2, 1)
        if len(places) <= most:
            return places
        return sorted({first, last, *places[:: -(-len(places) // most)]})

    def still_asked(self, question: Question, known_before: datetime | None = None) -> int:
        """How many more events it takes; one at least, as the question is still open.

        ConfigError where it asks for too many to count.
        """
        if question.at_least > MOST_ASKED:
            raise ConfigError(
                f"asks for at least {question.at_least} events; self-exciting counts up to "
                f"{MOST_ASKED}",
                at=f"questions.{question.question_id}.at_least",
            )
        return missing(self.track.task, question, known_before)
