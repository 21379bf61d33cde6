"""Worlds of hidden tension, drawn from the prior and lived day by day.

Written apart from `models.regime`, from its docs: plain loops, and nothing of it is imported.
"""

import math
from dataclasses import replace
from datetime import datetime, timedelta
from statistics import NormalDist

import numpy as np

from forecast.clock import parse_instant
from forecast.evidence import Coverage, CoverageState, Event, Report
from forecast.question import Question, Snapshot
from models.api import Task
from models.certify.world import Stream
from models.priors.beliefs import Beliefs, Effect, Narrower
from models.priors.elicit import Beta, Normal

START = parse_instant("2024-01-01")
WHOLE_DAYS, PART_OF_TODAY = 150, 0.4
NOW = WHOLE_DAYS + PART_OF_TODAY
MOMENTS = (80.2, 110.0, 131.7, 149.4)  # of earlier tasks, as it may be
HORIZON = 45
DOWN = range(60, 95)  # days on which nothing could be heard of `alone`
ORDINARY = 0.97 * 0.97 + 0.03 * 0.5  # what one report graded A1 weighs

STREAMS = {"sign+": ("one", "two"), "alone": ("alone",), "calming": ("calming",)}
BETA = {"sign+": Normal(0.8, 0.3), "alone": Normal(0.5, 0.4), "calming": Normal(-0.5, 0.3)}
SCALARS = {
    "log_rate": Normal(math.log(1 / 90), 0.5),
    "log_crisis": Normal(math.log(1 / 8), 0.4),
    "middle": Normal(-0.1, 0.33),
    "dwell_calm": Normal(math.log(730), 0.6),
    "dwell_tense": Normal(math.log(60), 0.5),
    "dwell_crisis": Normal(math.log(21), 0.5),
    "exit": Normal(0.95, 0.74),
}
SHARE = Beta(3.0, 4.0)

type World = dict[str, float]


def believed() -> Beliefs:
    """What the desk believes, and what the worlds are drawn from."""
    groups = {"one": "sign", "two": "sign", "alone": "", "calming": ""}
    betas = {tag: BETA[stream] for stream, tags in STREAMS.items() for tag in tags}
    return Beliefs(
        definition="whole",
        model="regime",
        log_rate=SCALARS["log_rate"],
        log_ceiling=SCALARS["log_crisis"],
        log_shape=Normal(1.8, 0.5),
        effects=tuple(Effect(tag, betas[tag], 30.0, group) for tag, group in groups.items()),
        narrower=(
            Narrower("part", "whole", SHARE, None),
            Narrower("rest", "whole", None, "part"),
        ),
        recurrent=True,
        observed_since=START.isoformat(),
        ordinary_value=ORDINARY,
    )


def world(rng: np.random.Generator) -> tuple[Task, dict[str, float]]:
    """A task, and the truth behind it by the names of `models.api.Draws`."""
    drawn = {name: rng.normal(n.mean, n.sd) for name, n in SCALARS.items()}
    drawn |= {f"beta.{stream}": rng.normal(n.mean, n.sd) for stream, n in BETA.items()}
    usual = {stream: len(tags) / 60 for stream, tags in STREAMS.items()}
    rate = {stream: rng.exponential(mean) for stream, mean in usual.items()}
    for stream, mean in usual.items():
        drawn[f"score.{stream}"] = NormalDist().inv_cdf(1 - math.exp(-rate[stream] / mean))
    share = rng.beta(SHARE.a, SHARE.b)
    reports, events, counts, happened = live(rng, drawn, rate, share)
    task = replace(task_of(reports, events), seed=int(rng.integers(2**31)))
    truth = dict(drawn)
    truth["log_prior"] = log_prior(drawn)
    truth["log_likelihood"], state = walk(drawn, rate, counts, happened)
    truth |= dict(zip(("state.calm", "state.tense", "state.crisis"), state, strict=True))
    for question in task.questions:
        q = {"whole": 1.0, "part": share, "rest": 1 - share}[question.definition]
        truth[f"p:{question.question_id}"] = ahead(drawn, state, q, question)
    return task, truth


def hazards(drawn: World) -> list[float]:
    """A day, of calm, tense and crisis."""
    calm = math.exp(drawn["log_rate"])
    crisis = calm + math.exp(drawn["log_crisis"])
    part = 1 / (1 + math.exp(-drawn["middle"]))
    return [calm, calm * (crisis / calm) ** part, crisis]


def moves(drawn: World) -> list[list[float]]:
    """Probabilities of tomorrow's state given today's."""
    leave = {
        s: 1 - math.exp(-1 / math.exp(drawn[f"dwell_{s}"])) for s in ("calm", "tense", "crisis")
    }
    down = 1 / (1 + math.exp(-drawn["exit"]))
    return [
        [1 - leave["calm"], leave["calm"], 0.0],
        [leave["tense"] * down, 1 - leave["tense"], leave["tense"] * (1 - down)],
        [0.0, leave["crisis"], 1 - leave["crisis"]],
    ]


def long_run(drawn: World) -> list[float]:
    """How often each state holds, found by letting the chain run."""
    step = np.array(moves(drawn))
    for _ in range(40):
        step = step @ step
        step = step / step.sum(axis=1, keepdims=True)
    return [float(p) for p in step[0]]


def live(
    rng: np.random.Generator, drawn: World, rate: World, share: float
) -> tuple[list[Report], list[Event], list[dict[str, int]], list[int]]:
    """Walk through the days: what was reported, what happened, and both counted by day."""
    reports: list[Report] = []
    events: list[Event] = []
    counts, happened = [], []
    h, step = hazards(drawn), moves(drawn)
    z = int(rng.choice(3, p=long_run(drawn)))
    for day in range(WHOLE_DAYS + 1):
        if day:
            z = int(rng.choice(3, p=step[z]))
        part = watched(day)
        seen = {}
        for stream, tags in STREAMS.items():
            mean = rate[stream] * math.exp(drawn[f"beta.{stream}"] * z) * part
            seen[stream] = 0 if is_down(stream, day) else int(rng.poisson(mean))
            for _ in range(seen[stream]):
                tag = tags[int(rng.integers(len(tags)))]
                reports.append(report(len(reports), tag, at(day + part * rng.uniform())))
        counts.append(seen)
        happened.append(int(rng.poisson(h[z])) if day < WHOLE_DAYS else 0)
        for _ in range(happened[-1]):
            kind = "part" if rng.uniform() < share else "rest"
            when = at(day + rng.uniform())
            events.append(Event(f"e{len(events)}", "u", kind, when, when))
    return reports, events, counts, happened


def walk(
    drawn: World, rate: World, counts: list[dict[str, int]], happened: list[int]
) -> tuple[float, list[float]]:
    """Log likelihood of all days, but for factorials, and what they say of today's state."""
    h, step = hazards(drawn), moves(drawn)
    belief, total = long_run(drawn), 0.0
    for day in range(WHOLE_DAYS + 1):
        if day:
            belief = [sum(belief[i] * step[i][j] for i in range(3)) for j in range(3)]
        for z in range(3):
            log_p = 0.0
            for stream in STREAMS:
                if not is_down(stream, day):
                    r = rate[stream] * math.exp(drawn[f"beta.{stream}"] * z)
                    log_p += counts[day][stream] * math.log(r) - r * watched(day)
            if day < WHOLE_DAYS:
                log_p += happened[day] * math.log(h[z]) - h[z]
            belief[z] *= math.exp(log_p)
        scale = sum(belief)
        total += math.log(scale)
        belief = [b / scale for b in belief]
    return total, belief


def ahead(drawn: World, state: list[float], share: float, question: Question) -> float:
    """P of at least so many events of the share from now to the deadline."""
    h, step = hazards(drawn), moves(drawn)
    n = question.at_least
    none = [[p if k == 0 else 0.0 for p in state] for k in range(n)]  # by count, by state
    left = HORIZON + PART_OF_TODAY
    begin = PART_OF_TODAY
    while begin < left:
        end = min(math.floor(begin) + 1, left)
        if begin == math.floor(begin):
            none = [[sum(row[i] * step[i][j] for i in range(3)) for j in range(3)] for row in none]
        after = [[0.0] * 3 for _ in range(n)]
        for z in range(3):
            mean = share * h[z] * (end - begin)
            for k in range(n):
                for more in range(n - k):
                    chance = math.exp(-mean) * mean**more / math.factorial(more)
                    after[k + more][z] += none[k][z] * chance
        none, begin = after, end
    return 1 - sum(map(sum, none))


def log_prior(drawn: World) -> float:
    """Of all that was drawn, on the scale on which it is Normal."""
    normals = SCALARS | {f"beta.{stream}": normal for stream, normal in BETA.items()}
    normals |= {f"score.{stream}": Normal(0.0, 1.0) for stream in STREAMS}
    return sum(math.log(NormalDist(n.mean, n.sd).pdf(drawn[name])) for name, n in normals.items())


def simulate(rng: np.random.Generator) -> Stream:
    """The same world as a desk lived through it, which looked at some of `MOMENTS`."""
    task, truth = world(rng)
    looks = [moment for moment in MOMENTS if rng.random() < 0.4]
    return Stream((*(as_of(task, at(moment)) for moment in looks), task), truth)


def as_of(task: Task, moment: datetime) -> Task:
    """The task with what was known before an earlier moment."""
    then = replace(
        task.snapshot,
        as_of=moment,
        reports=tuple(r for r in task.snapshot.reports if r.known_at < moment),
        events=tuple(e for e in task.snapshot.events if e.known_at < moment),
    )
    return replace(task, snapshot=then)


def task_of(reports: list[Report], events: list[Event]) -> Task:
    """The task of a desk that sees all of these."""
    questions = (
        question("whole", 1),
        question("part", 1),
        question("whole", 2),
    )
    down = Coverage("d", "u", CoverageState.DOWN, at(DOWN.start), at(DOWN.stop), START, "alone")
    snapshot = Snapshot(
        "u",
        at(NOW),
        questions,
        tuple(sorted(reports, key=lambda r: (r.known_at, r.report_id))),
        tuple(sorted(events, key=lambda e: (e.occurred_at, e.event_id))),
        coverage=(down,),
    )
    return Task(snapshot=snapshot, beliefs=believed(), questions=questions, seed=3)


def question(definition: str, at_least: int) -> Question:
    name = f"{definition}-{at_least}"
    opens_at, deadline = at(NOW), at(NOW + HORIZON)
    return Question(name, name, "u", definition, opens_at, deadline, at_least=at_least)


def report(number: int, tag: str, moment: datetime) -> Report:
    name = f"r{number}"
    return Report(name, "u", tag, moment, moment, name, source=name, reliability="A", credibility=1)


def watched(day: int) -> float:
    """The part of a day that is over by now."""
    return 1.0 if day < WHOLE_DAYS else PART_OF_TODAY


def is_down(stream: str, day: int) -> bool:
    return stream == "alone" and day in DOWN


def at(days: float) -> datetime:
    return START + timedelta(days=days)
