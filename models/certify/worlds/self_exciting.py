"""A world of events that set off others, told as a family tree: what the model is certified on.

Written apart from the model, in plain loops. Background events fall on days by chance; each
event has Poisson(n) children, each so many days later, one at least, as a coin decides that
shows heads with probability 1 - e^-w; and so on. There is one tag, a ceiling, and a narrower
kind of event. What may still come of the tag follows the law that docs/models.md states.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import NormalDist

import numpy as np

from forecast.clock import parse_instant
from forecast.evidence import Event, Report
from forecast.question import Question
from models.api import Task
from models.certify.world import Stream, tasks_as_of
from models.priors.beliefs import Beliefs, Effect, Narrower
from models.priors.elicit import Beta, Normal

START = parse_instant("2025-01-01")
RATE, CEILING = Normal(math.log(1 / 14), 0.5), Normal(math.log(1 / 4), 0.4)
EFFECT, HALF_LIFE, KIND = Normal(0.5, 0.3), 20.0, Beta(3.0, 4.0)
BRANCHING, LOG_MEMORY = (2.0, 6.0), Normal(math.log(14.0), 0.6)
CREDIBILITY = 0.97 * 0.97 + 0.03 * 0.5  # of one report graded A1
DAYS, LAST = 160, 160.4
EARLIER = (96.0, 139.7, 157.0, 160.2)  # when the desk may have looked before
HORIZON = 30.0
SOON, OPENS, CLOSES = 12.0, 5.0, 25.0  # days from LAST
LIVES = 1500  # of what comes after, to find out how probable a count is

BELIEFS = Beliefs(
    definition="attack",
    model="self-exciting",
    log_rate=RATE,
    log_ceiling=CEILING,
    log_shape=Normal(1.8, 0.5),
    effects=(Effect("march", EFFECT, HALF_LIFE, ""),),
    narrower=(Narrower("raid", "attack", KIND, None),),
    recurrent=True,
    observed_since=START.isoformat(),
    ordinary_value=1.0,
)


def day(n: float) -> datetime:
    return START + timedelta(days=n)


QUESTIONS = (
    Question("next", "next", "u", "attack", START, day(LAST + SOON)),
    Question("raids", "raids", "u", "raid", day(LAST + OPENS), day(LAST + CLOSES), at_least=2),
)


@dataclass(frozen=True)
class Truth:
    """What is drawn from the prior."""

    log_rate: float
    log_ceiling: float
    branching: float
    log_memory: float
    beta: float
    share: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "Truth":
        return cls(
            rng.normal(RATE.mean, RATE.sd),
            rng.normal(CEILING.mean, CEILING.sd),
            rng.beta(*BRANCHING),
            rng.normal(LOG_MEMORY.mean, LOG_MEMORY.sd),
            rng.normal(EFFECT.mean, EFFECT.sd),
            rng.beta(KIND.a, KIND.b),
        )

    @property
    def fade(self) -> float:
        """e^-w: the chance that a child that is not born today is not born tomorrow either."""
        return math.exp(-math.exp(-self.log_memory))

    def background(self, stock: float) -> float:
        """Background events a day, at a stock of evidence."""
        score = self.beta * math.log2(1 + stock)
        return math.exp(self.log_rate) / (
            math.exp(-score) + math.exp(self.log_rate - self.log_ceiling)
        )

    def descendants(self, born: int, last: int, rng: np.random.Generator) -> list[int]:
        """Days, up to `last`, of all that an event on day `born` sets off, and that does, ..."""
        found, parents = [], [born]
        while parents:
            parent = parents.pop()
            for _ in range(rng.poisson(self.branching)):
                child = parent + int(rng.geometric(1 - self.fade))
                if child <= last:
                    found.append(child)
                    parents.append(child)
        return found

    def log_prior(self) -> float:
        """Of the parameters as the model has them: the branching ratio n by its probit."""
        a, b = BRANCHING
        total = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
        total += (a - 1) * math.log(self.branching) + (b - 1) * math.log(1 - self.branching)
        total += math.log(NormalDist().pdf(NormalDist().inv_cdf(self.branching)))
        for value, normal in (
            (self.log_rate, RATE),
            (self.log_ceiling, CEILING),
            (self.log_memory, LOG_MEMORY),
            (self.beta, EFFECT),
        ):
            total -= 0.5 * ((value - normal.mean) / normal.sd) ** 2
            total -= math.log(normal.sd) + 0.5 * math.log(2 * math.pi)
        return total

    def log_likelihood(self, stocks: list[float], counts: list[int]) -> float:
        """Of the whole days, without the factorials of the counts."""
        total, left = 0.0, 0.0
        for stock, count in zip(stocks, counts, strict=True):
            rate = self.background(stock) + self.branching * (1 - self.fade) * left
            total += (count * math.log(rate) if count else 0.0) - rate
            left = self.fade * left + count
        return total


def simulate(rng: np.random.Generator) -> Stream:
    """One world, seen at one moment to five."""
    truth = Truth.drawn(rng)
    reports = reports_of(rng)
    stocks = [stock_at(reports, float(n)) for n in range(DAYS + 1)]
    born: list[int] = []
    for n in range(DAYS + 1):
        for _ in range(rng.poisson(truth.background(stocks[n]))):
            born += [n, *truth.descendants(n, DAYS, rng)]
    events: list[Event] = []
    counts = [0] * (DAYS + 1)
    for n in born:
        at = n + rng.random()
        if at < LAST - 1e-3:
            counts[n] += 1
            kind = "raid" if rng.random() < truth.share else "attack"
            events.append(Event(f"e{len(events)}", "u", kind, day(at), day(at + 1e-4)))
    seed = int(rng.integers(2**31))
    ahead = expected_ahead(truth, reports, counts, rng)
    told = {
        "log_rate": truth.log_rate,
        "log_ceiling": truth.log_ceiling,
        "branching": truth.branching,
        "log_memory": truth.log_memory,
        "beta.march": truth.beta,
        "log_prior": truth.log_prior(),
        "log_likelihood": truth.log_likelihood(stocks[:DAYS], counts[:DAYS]),
        "p:next": 1 - math.exp(-sum_until(ahead, SOON)),
        "p:raids": chance_of_raids(truth, ahead, rng),
    }
    looks = [moment for moment in EARLIER if rng.random() < 0.5]
    moments = [day(moment) for moment in (*looks, LAST)]
    return Stream(tasks_as_of(moments, BELIEFS, QUESTIONS, reports, events, seed), told)


def world(rng: np.random.Generator) -> tuple[Task, dict[str, float]]:
    """The last task of a world, and the truth."""
    stream = simulate(rng)
    return stream.tasks[-1], stream.truth


def reports_of(rng: np.random.Generator) -> list[Report]:
    """Incidents of the tag, at a rate of the world's own, each known soon after by one report."""
    rate = rng.gamma(2.0, 0.01)
    found = []
    for number in range(rng.poisson(rate * DAYS)):
        at = rng.uniform(0, DAYS)
        known = day(at + rng.exponential(0.5))
        name = f"r{number}"
        found.append(Report(name, "u", "march", day(at), known, name, 1.0, "", name, "A", 1))
    return [r for r in found if r.known_at < day(LAST)]


def stock_at(reports: list[Report], n: float) -> float:
    """What is left, at day n, of the incidents that were known before it."""
    total = 0.0
    for report in reports:
        if report.known_at < day(n):
            age = max((day(n) - report.occurred_at) / timedelta(days=1), 0.0)
            total += CREDIBILITY * 0.5 ** (age / HALF_LIFE)
    return total


def expected_ahead(
    truth: Truth, reports: list[Report], counts: list[int], rng: np.random.Generator
) -> list[tuple[float, float]]:
    """The length of what is left of today and of each day after, and the events expected then.

    Those are of the background, along one future of the tag, and of the events so far.
    """
    to_come, weight = incidents_to_come(reports, rng)
    left = 0.0
    for count in counts[:DAYS]:
        left = truth.fade * left + count
    found, begin = [], 0.0
    for n in range(DAYS, DAYS + 1 + math.ceil(HORIZON)):
        end = min(n + 1 - LAST, HORIZON)
        middle = (begin + end) / 2
        stock = stock_at(reports, LAST + middle)
        stock += sum(weight * 0.5 ** ((middle - a) / HALF_LIFE) for a in to_come if a < middle)
        rate = truth.background(stock) + truth.branching * (1 - truth.fade) * left
        found.append((end - begin, rate * (end - begin)))
        left = truth.fade * left + (counts[DAYS] if n == DAYS else 0)
        begin = end
    return [(length, events) for length, events in found if length > 0]


def incidents_to_come(reports: list[Report], rng: np.random.Generator) -> tuple[list[float], float]:
    """When incidents of the tag will come, in days from LAST, and what each will weigh."""
    memory = [0.5 ** ((day(LAST) - r.known_at) / timedelta(days=90)) for r in reports]
    watched = 90 / math.log(2) * (1 - 0.5 ** (LAST / 90))
    rate = rng.gamma(0.5 + sum(memory)) / (60 + watched) * rng.gamma(4.0) / 4.0
    weight = (0.8 + CREDIBILITY * sum(memory)) / (1 + sum(memory))
    return [rng.uniform(0, HORIZON) for _ in range(rng.poisson(rate * HORIZON))], weight


def sum_until(ahead: list[tuple[float, float]], end: float) -> float:
    """Events expected up to `end`, if nothing that comes sets off anything."""
    total, begin = 0.0, 0.0
    for length, events in ahead:
        total += events * min(max((end - begin) / length, 0.0), 1.0)
        begin += length
    return total


def chance_of_raids(
    truth: Truth, ahead: list[tuple[float, float]], rng: np.random.Generator
) -> float:
    """How often there are two raids between OPENS and CLOSES, among many lives."""
    begins = [sum(length for length, _ in ahead[:n]) for n in range(len(ahead))]
    born = rng.poisson([events for _, events in ahead], (LIVES, len(ahead)))
    hits = 0
    for life in born:
        raids = 0
        for n, count in enumerate(life):
            for _ in range(count):
                for child in [n, *truth.descendants(n, len(ahead) - 1, rng)]:
                    at = begins[child] + rng.random() * ahead[child][0]
                    # the last day is cut off at the horizon, and a child may fall behind it
                    if child == len(ahead) - 1 and child != n:
                        at = begins[child] + rng.random()
                    raids += OPENS <= at < CLOSES and rng.random() < truth.share
        hits += raids >= 2
    return hits / LIVES
