"""Simulation-based calibration of a family along whole streams of updates.

    replicate   a world from the prior; every update of its stream in turn, each with the state
                that the one before left; then where the truth lies among the last posterior
    judge       are the places uniform, of all replicates and of those that each rung answered?

Replicates in which the family's own gate failed are dropped and counted, which is legitimate:
the gate sees the data and not the truth.
Source: Talts et al. (2018); Modrak et al. (2023) on why the log likelihood is ranked, too.
"""

import math
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context

import numpy as np

from forecast.estimate import Estimate, Health
from models.api import Answer, Certifiable, EventModel, Task
from models.certify.certificate import FAILED, PASSED, Certificate, Check
from models.certify.ranks import (
    DRAWS,
    anderson_darling,
    anderson_darling_p,
    calibration_p,
    equal_draws,
    place_of,
)
from models.certify.world import Stream, World
from models.engine.worker import leave_with_parent

ALPHA = 0.01  # of a family that is right, to fail in one of its tests
LEAST_OF_A_RUNG = 80  # replicates by one rung, to be tested by themselves
LEAST_KEPT = 0.5  # of the replicates; else the certificate speaks of a chosen few
AGREEMENT = 5.0  # Monte Carlo errors between the posterior's P and the one that was told
PACKAGES = ("arviz-stats", "numpy", "nutpie", "pymc", "pytensor", "scipy")
CALIBRATION = "calibration of "


@dataclass(frozen=True, slots=True)
class Replicate:
    """What one world came to.

    `rungs` answered the updates of the stream in turn. `held` says why the last one was, or is
    empty, and `fault` what the family did against its contract. Where neither: `places` of the
    truth among the posterior, in (0, 1) by quantity, and `told` and `true` P by quantity.
    """

    rungs: tuple[str, ...]
    held: str = ""
    fault: str = ""
    places: dict[str, float] = field(default_factory=dict)
    told: dict[str, float] = field(default_factory=dict)
    true: dict[str, float] = field(default_factory=dict)

    @property
    def is_kept(self) -> bool:
        """Whether there is a posterior that the family stands by."""
        return not (self.held or self.fault)


def replicates(
    model: EventModel, world: World, count: int, seed: int, workers: int = 1
) -> Iterator[Replicate]:
    """Live through `count` worlds, in `workers` processes; the same ones however many."""
    one = partial(replicate, model, world, seed)
    if workers == 1:
        yield from map(one, range(count))
        return
    spawn = get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=_begin) as pool:
        yield from pool.map(one, range(count), chunksize=4)


def _begin() -> None:
    # Ctrl-C reaches every process of the terminal; when to stop is for the parent to say
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    leave_with_parent()


def replicate(model: EventModel, world: World, seed: int, number: int) -> Replicate:
    """One world, from the prior to the places of its truth."""
    rng = np.random.default_rng([seed, number])
    stream = world(rng)
    rungs: list[str] = []
    try:
        task, before, answer = _live_through(model, stream, rungs)
        lived = Replicate(tuple(rungs), held=_held(answer.estimates))
        return lived if lived.held else _ranked(model, stream, task, before, answer, lived, rng)
    except Exception as error:  # noqa: BLE001 - whatever a family does in a world is a finding
        words = " ".join(f"{type(error).__name__}: {error}".split())
        return Replicate(tuple(rungs), fault=f"world {number}: {words}")


def _live_through(
    model: EventModel, stream: Stream, rungs: list[str]
) -> tuple[Task, bytes | None, Answer]:
    """The last task, the state that its update was given, and its answer."""
    state: bytes | None = None
    previous: dict[str, Estimate] = {}
    for task in stream.tasks:
        task, before = replace(task, previous=previous), state
        answer = model.update(task, before)
        rungs.append(answer.estimates[0].method)
        previous = {e.question_id: e for e in answer.estimates}
        state = answer.state
    return task, before, answer


def _held(estimates: Sequence[Estimate]) -> str:
    """Why an estimate is not to be acted on, without its numbers; empty where all are."""
    held = next((e for e in estimates if e.health is not Health.HEALTHY), None)
    if held is None:
        return ""
    words = held.reason or held.health.value
    return " ".join(word for word in words.split() if not word[:1].isdigit())


def _ranked(
    model: EventModel,
    stream: Stream,
    task: Task,
    before: bytes | None,
    answer: Answer,
    lived: Replicate,
    rng: np.random.Generator,
) -> Replicate:
    told = {f"p:{e.question_id}": e.probability for e in answer.estimates}
    lived = replace(lived, told=told, true={name: stream.truth[name] for name in told})
    if not isinstance(model, Certifiable):
        return lived
    draws = model.posterior(task, before)
    different = set(draws.names) ^ set(stream.truth)
    if different:
        words = f"the posterior and the world do not speak of the same: {sorted(different)}"
        return replace(lived, fault=words)
    for estimate in answer.estimates:
        p = draws.values[:, draws.names.index(f"p:{estimate.question_id}")]
        mean = float(draws.weights @ p)
        error = math.sqrt(float(draws.weights**2 @ (p - mean) ** 2)) + estimate.mcse
        if not abs(mean - estimate.probability) <= AGREEMENT * error + 1e-9:
            words = f"update told {estimate.probability:.4f}, and the posterior's mean is"
            return replace(lived, fault=f"{estimate.question_id}: {words} {mean:.4f}")
    chosen = draws.values[equal_draws(draws.weights, DRAWS, rng)]
    places = {
        name: place_of(stream.truth[name], chosen[:, column], rng)
        for column, name in enumerate(draws.names)
    }
    return replace(lived, places=places)


def judge(
    family: str,
    found: Sequence[Replicate],
    *,
    seed: int,
    date: str,
    modules: dict[str, tuple[str, str]],
) -> Certificate:
    """The certificate of a run; `modules` are the digests of the code that was run."""
    kept = [r for r in found if r.is_kept]
    tests = tuple(_tests(kept))
    findings = [*_faults(found), *_failures(tests)]
    if len(kept) < LEAST_KEPT * len(found):
        findings.insert(0, f"only {len(kept)} of {len(found)} replicates passed its own gate")
    return Certificate(
        family=family,
        verdict=FAILED if findings else PASSED,
        findings=tuple(findings),
        date=date,
        seed=seed,
        replicates=len(found),
        kept=len(kept),
        dropped=dict(Counter(r.held or "at fault" for r in found if not r.is_kept)),
        rungs=dict(sorted(Counter(rung for r in found for rung in r.rungs).items())),
        alpha=ALPHA,
        tests=tests,
        versions={name: version(name) for name in PACKAGES},
        modules=modules,
    )


def _tests(kept: Sequence[Replicate]) -> Iterator[Check]:
    """Every quantity over all replicates that have it, and over those that one rung answered."""
    last = Counter(r.rungs[-1] for r in kept)
    rungs = [rung for rung, count in sorted(last.items()) if count >= LEAST_OF_A_RUNG]
    for rung in ["", *(rungs if len(last) > 1 else [])]:
        some = [r for r in kept if rung in ("", r.rungs[-1])]
        for name in dict.fromkeys(name for r in some for name in r.places):
            places = [r.places[name] for r in some if name in r.places]
            yield Check(name, rung, len(places), anderson_darling_p(anderson_darling(places)))
        for name in dict.fromkeys(name for r in some for name in r.told):
            pairs = [(r.told[name], r.true[name]) for r in some if name in r.told]
            told, true = zip(*pairs, strict=True)
            yield Check(CALIBRATION + name, rung, len(pairs), calibration_p(told, true))


def _faults(found: Sequence[Replicate]) -> Iterator[str]:
    faults = [r.fault for r in found if r.fault]
    if faults:
        more = f", and {len(faults) - 1} more like it" if len(faults) > 1 else ""
        yield faults[0] + more


def _failures(tests: Sequence[Check]) -> Iterator[str]:
    for test in tests:
        if not test.p_value >= ALPHA / len(tests):
            where = f" where {test.rung} answered" if test.rung else ""
            yield f"{test.quantity}{where}: p = {test.p_value:.2g} over {test.replicates} worlds"
