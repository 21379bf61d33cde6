"""A world for `hazard`: tagged incidents of graded reports, a frail unit, a ceiling or none.

Written from the documents, not from the code: every day's hazard is worked out anew from the
reports that were known by then. Some of a world's half-lives are short, middling or long
together; nobody tells which. What is ahead is one future, lived through day by day.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, lgamma, log, log2, pi, sqrt

import numpy as np

from forecast.clock import parse_instant
from forecast.evidence import Event, Report
from forecast.question import Question
from models.certify.world import Stream, tasks_as_of
from models.priors.beliefs import Beliefs, Effect, Narrower
from models.priors.elicit import Beta, Normal

START = parse_instant("2024-02-01")
AHEAD = 40  # days
COVERT = Beta(3.0, 4.0)
GRADES = {"A1": 0.97 * 0.97 + 0.03 / 2, "B2": 0.92 * 0.88 + 0.08 / 2, "C4": 0.80 * 0.50 + 0.20 / 2}
POWERS = {-1: 0.25, 0: 0.5, 1: 0.25}  # of the factor, on an uncertain half-life


@dataclass(frozen=True, slots=True)
class Truth:
    """What nobody knows: parameters by name, the unit's own rate, the power, the share."""

    parameters: dict[str, float]
    rate: float
    power: int
    covert: float


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that happened on a day, and who reported it when with which grade."""

    tag: str
    day: float
    reports: tuple[tuple[float, str, str], ...]  # known on day, newsroom, grade

    def weight(self, now: float) -> float:
        """Credibility by now: a newsroom counts once, and no two are quite independent."""
        odds: dict[str, float] = {}
        for known, newsroom, grade in self.reports:
            if known < now:
                level = log(GRADES[grade] / (1 - GRADES[grade]))
                odds[newsroom] = max(odds.get(newsroom, level), level)
        total, before = 0.0, 0.0
        for count, level in enumerate(sorted(odds.values(), key=abs, reverse=True), start=1):
            worth = count / (1 + 0.6 * (count - 1))
            total, before = total + (worth - before) * level, worth
        return 1 / (1 + exp(-total)) if odds else 0.0


def simulate(rng: np.random.Generator) -> Stream:
    """Three to five months of a unit, seen at one, two or three moments."""
    return world(rng, _beliefs(rng))


def world(rng: np.random.Generator, beliefs: Beliefs) -> Stream:
    """A world drawn from the beliefs, which have a share of `covert` and no other kinds."""
    truth = _truth(rng, beliefs)
    days = int(rng.integers(90, 150))
    now = days + (0.6 if rng.random() < 0.3 else 0.0)
    incidents = _incidents(rng, beliefs, now)
    counts = _counts(rng, beliefs, truth, incidents, days)
    events = _events(rng, truth, counts)
    questions = _questions(now)
    tasks = tasks_as_of(
        [_day(moment) for moment in _moments(rng, days, now)],
        beliefs,
        questions,
        _reports(incidents, now),
        events,
        int(rng.integers(2**31)),
    )
    return Stream(tasks, _told(rng, beliefs, truth, incidents, counts, questions, now))


def _beliefs(rng: np.random.Generator) -> Beliefs:
    """One tag to three, half-lives known or not; one desk in four is sure of very little."""
    factor = 2.0 if rng.random() < 0.4 else 1.0
    wide = 3.0 if rng.random() < 0.25 else 1.0
    effects = (
        Effect("march", Normal(0.8, 0.4 * wide), 15.0, "", half_life_factor=factor),
        Effect("threat", Normal(0.6, 0.3 * wide), 25.0, "words"),
        Effect("talks", Normal(0.1, 0.5 * wide), 25.0, "words"),
    )
    return Beliefs(
        definition="strike",
        model="hazard",
        log_rate=Normal(-3.6, 0.5 * wide),
        log_ceiling=Normal(-1.4, 0.4 * wide) if rng.random() < 0.6 or wide > 1 else None,
        log_shape=Normal(1.4, 0.5 * wide),
        effects=effects[: int(rng.integers(1, 4))],
        narrower=(Narrower("covert", "strike", COVERT, None),),
        recurrent=bool(rng.random() < 0.75),
        observed_since=START.isoformat(),
        ordinary_value=1.0,
    )


def _normals(beliefs: Beliefs) -> dict[str, Normal]:
    """The priors by the names of the draws; a ceiling that is not there is drawn as the rate."""
    named = {"log_rate": beliefs.log_rate, "log_shape": beliefs.log_shape}
    named["log_ceiling"] = beliefs.log_ceiling or beliefs.log_rate
    return named | {f"beta.{effect.tag}": effect.log_ratio for effect in beliefs.effects}


def _truth(rng: np.random.Generator, beliefs: Beliefs) -> Truth:
    drawn = {name: float(rng.normal(n.mean, n.sd)) for name, n in _normals(beliefs).items()}
    kappa = exp(drawn["log_shape"])
    rate = float(rng.gamma(kappa, exp(drawn["log_rate"]) / kappa))
    power = int(rng.choice(list(POWERS), p=list(POWERS.values())))
    return Truth(drawn, rate, power, float(rng.beta(COVERT.a, COVERT.b)))


def _incidents(rng: np.random.Generator, beliefs: Beliefs, now: float) -> list[Incident]:
    found = []
    for effect in beliefs.effects:
        for _ in range(rng.poisson(rng.gamma(2.0, 0.015) * now)):
            day = float(rng.uniform(0.0, now - 0.2))
            reports = []
            for number in range(int(rng.integers(1, 4))):
                grade = str(rng.choice(list(GRADES)))
                known = day + 0.1 + number * float(rng.uniform(0.0, 6.0))
                reports.append((known, str(rng.choice(["north", "south"])), grade))
            found.append(Incident(effect.tag, day, tuple(reports)))
    return found


def _reports(incidents: list[Incident], now: float) -> list[Report]:
    return [
        Report(
            f"r{number}-{place}",
            "u",
            incident.tag,
            _day(incident.day),
            _day(known),
            incident_id=f"i{number}",
            origin=newsroom,
            reliability=grade[0],
            credibility=int(grade[1]),
        )
        for number, incident in enumerate(incidents)
        for place, (known, newsroom, grade) in enumerate(incident.reports)
        if known < now
    ]


def _multiplier(beliefs: Beliefs, parameters: dict[str, float], stock: dict[str, float]) -> float:
    """m at the stocks of each tag."""
    alone, up, down = 0.0, 0.0, 0.0
    for effect in beliefs.effects:
        felt = parameters[f"beta.{effect.tag}"] * log2(1 + stock[effect.tag])
        if not effect.group:
            alone += felt
        elif felt > 0:
            up += felt**2
        else:
            down += felt**2
    score = alone + sqrt(up) - sqrt(down)
    cap = 0.0
    if beliefs.log_ceiling is not None:
        cap = exp(parameters["log_rate"] - parameters["log_ceiling"])
    return 1 / (exp(-score) + cap)


def _stock(
    beliefs: Beliefs, incidents: list[Incident], power: int, at: float, known: float
) -> dict[str, float]:
    """By tag, what incidents come to at a moment, as was known at another."""
    stock = {}
    for effect in beliefs.effects:
        half_life = effect.half_life * effect.half_life_factor**power
        stock[effect.tag] = sum(
            i.weight(known) * 0.5 ** (max(at - i.day, 0.0) / half_life)
            for i in incidents
            if i.tag == effect.tag
        )
    return stock


def _counts(
    rng: np.random.Generator,
    beliefs: Beliefs,
    truth: Truth,
    incidents: list[Incident],
    days: int,
) -> list[int]:
    """Events of each day; what can happen only once ends the count."""
    counts: list[int] = []
    for day in range(days):
        stock = _stock(beliefs, incidents, truth.power, day, day)
        hazard = truth.rate * _multiplier(beliefs, truth.parameters, stock)
        if beliefs.recurrent:
            counts.append(int(rng.poisson(hazard)))
        else:
            counts.append(int(rng.random() < 1 - exp(-hazard)))
            if counts[-1]:
                break
    return counts


def _events(rng: np.random.Generator, truth: Truth, counts: list[int]) -> list[Event]:
    found = []
    for day, count in enumerate(counts):
        for number in range(count):
            kind = "covert" if rng.random() < truth.covert else "strike"
            at = day + 0.3 + 0.1 * number / count
            found.append(Event(f"e{day}-{number}", "u", kind, _day(at), _day(at + 0.4)))
    return found


def _moments(rng: np.random.Generator, days: int, now: float) -> list[float]:
    """When the desk looked: the last look is `now`, the others some days or weeks before."""
    before = [now - float(gap) for gap in rng.choice([1, 4, 12, 26, 40], 2, False)]
    if now > days and rng.random() < 0.7:
        before.append(days + 0.2)
    count = int(rng.integers(0, len(before) + 1))
    return [*sorted(before)[len(before) - count :], now]


def _questions(now: float) -> tuple[Question, ...]:
    soon, late = _day(now + 15), _day(now + AHEAD)
    return (
        Question("soon", "soon", "u", "strike", START, soon),
        Question("later", "later", "u", "strike", _day(now + 10), late),
        Question("covert", "covert", "u", "covert", START, late),
        Question("two", "two", "u", "strike", _day(now), late, at_least=2),
    )


def _told(
    rng: np.random.Generator,
    beliefs: Beliefs,
    truth: Truth,
    incidents: list[Incident],
    counts: list[int],
    questions: tuple[Question, ...],
    now: float,
) -> dict[str, float]:
    """Every quantity of the posterior, at the true parameters and along one future."""
    theta, n = truth.parameters, sum(counts)
    kappa = exp(theta["log_shape"])
    scale = kappa / exp(theta["log_rate"])
    future = _future(rng, beliefs, incidents, now)
    levels, chances = [], []
    is_uncertain = any(e.half_life_factor > 1 for e in beliefs.effects)
    for power, weight in POWERS.items() if is_uncertain else [(0, 1.0)]:
        past = [
            _multiplier(beliefs, theta, _stock(beliefs, incidents, power, day, day))
            for day in range(len(counts))
        ]
        at_risk = sum(past)
        level = log(weight) + lgamma(kappa + n) - lgamma(kappa) + kappa * log(scale)
        level += sum(count * log(m) for count, m in zip(counts, past, strict=True))
        levels.append(level - (kappa + n) * log(scale + at_risk))
        ahead = _ahead(beliefs, theta, incidents, future, power, now)
        rates = (kappa + n, scale + at_risk, ahead, truth.covert, beliefs.recurrent)
        chances.append([_chance(question, now, *rates) for question in questions])
    top = max(levels)
    likelihood = top + log(sum(exp(level - top) for level in levels))
    given = [exp(level - likelihood) for level in levels]
    told = dict(theta)
    told["log_prior"] = sum(
        -0.5 * ((theta[name] - p.mean) / p.sd) ** 2 - log(p.sd * sqrt(2 * pi))
        for name, p in _normals(beliefs).items()
    )
    told["log_likelihood"] = likelihood
    for place, question in enumerate(questions):
        mixed = sum(w * some[place] for w, some in zip(given, chances, strict=True))
        told[f"p:{question.question_id}"] = mixed
    return told


def _future(
    rng: np.random.Generator, beliefs: Beliefs, incidents: list[Incident], now: float
) -> list[tuple[str, float, float]]:
    """Incidents to come as tag, days from now, weight: as docs/models.md says they come.

    At Gamma rates learnt from what was seen, forgotten by half in 90 days, and at one tempo.
    """
    tempo, found = float(rng.gamma(4.0, 0.25)), []
    watched = 90 / log(2) * (1 - 0.5 ** (now / 90))
    for effect in beliefs.effects:
        seen, weight = 0.0, 0.0
        for incident in incidents:
            first = min(known for known, *_ in incident.reports)
            if incident.tag == effect.tag and first < now:
                seen += 0.5 ** ((now - first) / 90)
                weight += 0.5 ** ((now - first) / 90) * incident.weight(now)
        rate = float(rng.gamma(0.5 + seen, 1 / (60 + watched))) * tempo
        for _ in range(rng.poisson(rate * AHEAD)):
            found.append((effect.tag, float(rng.uniform(0, AHEAD)), (0.8 + weight) / (1 + seen)))
    return found


def _ahead(
    beliefs: Beliefs,
    theta: dict[str, float],
    incidents: list[Incident],
    future: list[tuple[str, float, float]],
    power: int,
    now: float,
) -> list[float]:
    """m at the middle of each day ahead, along the future."""
    found = []
    for day in range(AHEAD):
        at = day + 0.5
        stock = _stock(beliefs, incidents, power, now + at, now)
        for effect in beliefs.effects:
            half_life = effect.half_life * effect.half_life_factor**power
            for tag, when, weight in future:
                if tag == effect.tag and when < at:
                    stock[tag] += weight * 0.5 ** ((at - when) / half_life)
        found.append(_multiplier(beliefs, theta, stock))
    return found


def _chance(
    question: Question,
    now: float,
    shape: float,
    scale: float,
    ahead: list[float],
    covert: float,
    recurrent: bool,
) -> float:
    """P of the question, the unit's rate being Gamma(shape, scale): a mixture of Poissons."""
    first, last = (
        round(max((moment - START) / timedelta(days=1) - now, 0.0))
        for moment in (question.opens_at, question.deadline)
    )
    share = covert if question.definition == "covert" else 1.0
    if not recurrent:
        survival = [(scale / (scale + sum(ahead[:day]))) ** shape for day in (first, last)]
        return share * (survival[0] - survival[1]) if question.at_least == 1 else 0.0
    odds = share * sum(ahead[first:last]) / scale
    fewer = 0.0
    for k in range(question.at_least):
        choose = lgamma(shape + k) - lgamma(shape) - lgamma(k + 1)
        fewer += exp(choose + k * log(odds) - (shape + k) * log(1 + odds))
    return 1 - fewer


def _day(n: float) -> datetime:
    return START + timedelta(days=n)
