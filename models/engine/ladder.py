"""The ladder: an update takes the cheapest rung that passes its gate, and a failed gate climbs.

    T0  the data are those of the kept draws  P anew on them                 exact
    T1  data were added, corrected, retracted the draws weighed anew, PSIS   k-hat, ESS
    R1  no draws yet, new beliefs, T1         mode, t draws, PSIS            k-hat, ESS
        failed, draws a month old
    R1 with three times the draws             R1 failed, p too rough, or near a threshold
    T2  R1 failed, or the draws came from     draws resampled and moved      correlation left
        a chain and T1 failed
    R2  T2 failed                             NUTS in a process of its own   R-hat, ESS, E-BFMI,
                                                                             divergences

T0 and T1 weigh what is there, and load no more than arrays need: a rung that makes draws brings
PyMC, SciPy's optimiser or ArviZ as it is climbed.

T2 stands above R1 because it was measured to cost more: a move is some ten evaluations of all
rows for all draws, R1 one and some gradients. What fails at the top is for the caller to hold.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain

from forecast.errors import HeldError
from models.covariates import Array
from models.engine.answers import Answers, Thresholds, answers, is_rough, precise
from models.engine.fit import Fit, Posterior
from models.engine.gates import Gate, weights_gate
from models.engine.problem import Problem
from models.engine.psis import Weights, smooth

DRAWS = 1000
MANY_DRAWS = 3 * DRAWS
CHAIN_METHODS = ("T2", "R2")  # draws that R1 could not make


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder: how, from which fit, the weighed draws and their gate.

    `failed` are the rungs below that did not pass, each with its reason; `answers` are by
    question id.
    """

    method: str
    fit: Fit
    posterior: Posterior
    weights: Weights
    gate: Gate
    diagnostics: dict[str, float] = field(default_factory=dict)
    failed: tuple[str, ...] = ()
    answers: Answers = field(default_factory=dict)

    @classmethod
    def of(cls, method: str, fit: Fit, posterior: Posterior) -> "Rung":
        """Smooth the weights and judge them."""
        weights = smooth(posterior.log_weights, fit.efficiency)
        return cls(method, fit, posterior, weights, weights_gate(weights))

    @classmethod
    def of_fit(cls, fit: Fit) -> "Rung":
        """A fit on the data that it was made for."""
        present = Posterior(fit.draws, fit.log_weights, fit.log_likelihood, fit.extras)
        return cls.of(fit.method, fit, present)

    def answering(self, chances: "Chances") -> "Rung":
        """The same with the answers of its draws."""
        return replace(self, answers=answers(self.weights, chances(self)))

    def numbers(self) -> dict[str, float]:
        """What there is to say of the draws."""
        return {
            "khat": self.weights.khat,
            "ess": self.weights.ess,
            "draws": float(len(self.posterior.draws)),
            **self.diagnostics,
        }


type Chances = Callable[[Rung], dict[str, Array]]


def climb(
    problem: Problem,
    before: Fit | None,
    chances: Chances,
    thresholds: Thresholds | None = None,
    *,
    is_doubted: bool = False,
) -> Rung:
    """The first rung that passes its gate and is precise, or the best of those that did not.

    `chances` makes P of each question, by name, for each draw (draw,). Where a rung passes but
    is imprecise, or near one of a question's `thresholds`, one with many draws takes its place
    if it can. With `is_doubted`, as an audit contradicted the others, R2 is asked first.
    """
    failed: list[str] = []
    best: Rung | None = None
    rungs = _rungs(problem, before, chances)
    for made in chain(_sampled(problem, chances), rungs) if is_doubted else rungs:
        if isinstance(made, str):
            failed.append(made)
            continue
        rung = made.answering(chances)
        is_small = len(rung.posterior.draws) < MANY_DRAWS
        if rung.gate.passed and is_small and is_rough(rung.answers, thresholds or {}):
            finer = refit(problem, MANY_DRAWS)
            rung = finer.answering(chances) if finer.gate.passed else rung
        if rung.gate.passed:
            rung = replace(rung, gate=precise(rung.answers))
        if rung.gate.passed:
            return replace(rung, failed=tuple(failed))
        failed.append(f"{rung.method}: {rung.gate.reason}")
        best = rung if best is None or rung.weights.ess > best.weights.ess else best
    assert best is not None
    return replace(best, failed=tuple(failed))


def reweigh(problem: Problem, fit: Fit) -> Rung:
    """Rungs T0 and T1."""
    posterior = problem.reweigh(fit)
    is_same = posterior.log_weights is fit.log_weights
    return Rung.of("T0" if is_same else "T1", fit, posterior)


def refit(problem: Problem, draws: int) -> Rung:
    """Rung R1."""
    from models.engine.laplace import propose

    proposal = propose(problem.target, draws, problem.seed)
    return Rung.of_fit(problem.fit(proposal.draws, proposal.log_density, "R1"))


def move(problem: Problem, rung: Rung) -> Rung:
    """Rung T2, from the weighed draws of another."""
    from models.engine.move import resample_and_move

    moved = resample_and_move(problem.target, rung.posterior.draws, rung.weights, problem.seed)
    made = Rung.of_fit(problem.fit(moved.draws, None, "T2", moved.efficiency))
    numbers = {"acceptance": moved.acceptance, "correlation": moved.correlation}
    return replace(made, gate=made.gate if moved.gate.passed else moved.gate, diagnostics=numbers)


def sample(problem: Problem, chances: Chances) -> Rung:
    """Rung R2: NUTS on the problem's job; HeldError where it gives no draws."""
    from models.engine.move import LEAST_EFFICIENCY
    from models.engine.nuts import judge
    from models.engine.worker import shared_worker

    assert problem.nuts_job is not None
    result = shared_worker().run(problem.nuts_job())
    chains, length, size = result.draws.shape
    # the chains in turn, so that the first draws are of all of them
    draws = result.draws.swapaxes(0, 1).reshape(-1, size)
    fit = problem.fit(draws, None, "R2")
    density = problem.target.log_prior(draws) + fit.log_likelihood
    quantities = {"log_likelihood": fit.log_likelihood, **chances(Rung.of_fit(fit))}
    by_chain = {name: values.reshape(length, chains).T for name, values in quantities.items()}
    judged = judge(result, density.reshape(length, chains).T, by_chain)
    worth = judged.diagnostics["ess"] / len(draws)
    efficiency = min(max(worth, LEAST_EFFICIENCY), 1.0) if worth == worth else LEAST_EFFICIENCY
    rung = Rung.of_fit(replace(fit, efficiency=efficiency))
    return replace(rung, gate=judged.gate, diagnostics=judged.diagnostics)


def _rungs(problem: Problem, before: Fit | None, chances: Chances) -> Iterator[Rung | str]:
    """From the cheapest up, each made when it is asked for; words where one gave no draws."""
    if before is not None and problem.is_fresh(before):
        kept = reweigh(problem, before)
        yield kept
        if before.method in CHAIN_METHODS:
            yield _tried("T2", lambda: move(problem, kept))
    yield refit(problem, DRAWS)
    many = refit(problem, MANY_DRAWS)
    yield many
    yield _tried("T2", lambda: move(problem, many))
    yield from _sampled(problem, chances)


def _sampled(problem: Problem, chances: Chances) -> Iterator[Rung | str]:
    if problem.nuts_job is not None:
        yield _tried("R2", lambda: sample(problem, chances))


def _tried(method: str, make: Callable[[], Rung]) -> Rung | str:
    try:
        return make()
    except HeldError as error:
        return f"{method}: {error.message}"
