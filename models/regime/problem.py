"""The regime's posterior as the ladder sees it: what the filter says is kept with each draw.

So is what it said some weeks ago: as long as no day before that has changed, new days and
corrections are filtered from there on, and not from the first day.
"""

from dataclasses import dataclass, replace

from models.covariates import Array
from models.engine.fit import Fit, Posterior
from models.engine.ladder import Rung
from models.engine.nuts import NutsJob
from models.engine.problem import Problem
from models.engine.target import Loaded
from models.regime.days import Days
from models.regime.density import Density, Filtered, arrays, compiled_density
from models.regime.prior import Prior

STATE, HAZARD, TRANSITION = "state", "hazard", "transition"
MARK_STATE, MARK_LEVEL = "mark_state", "mark_level"  # by the mark, and log likelihood until then
TAIL = 64  # days after the mark, at most
NUTS_DRAWS = 1000  # a chain: with fewer R-hat is above its gate by chance alone
BACK = 32  # days that the mark is before the last one; `most_new` may come after that


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeProblem(Problem):
    """One unit's padded days."""

    density: Density
    days: Days
    prior: Prior

    @classmethod
    def of(cls, days: Days, prior: Prior, prior_digest: str, seed: int) -> "RegimeProblem":
        """Pose the problem of padded days."""
        density = compiled_density(len(days.events))
        return cls(
            target=Loaded(prior.mean, prior.sd, lambda: density.load(days, prior)),
            seed=seed,
            prior_digest=prior_digest,
            data_digest=digest_of(days),
            size=days.rows,
            nuts_job=lambda: NutsJob(
                build="models.regime.density:regime_model",
                data=arrays(days, prior),
                start=prior.mean,
                scale=prior.sd,
                seed=seed,
                structure=str(len(days.events)),
                draws=NUTS_DRAWS,
            ),
            density=density,
            days=days,
            prior=prior,
        )

    def given(self, days: Days) -> "RegimeProblem":
        """The same with other days, for what was known at another time."""
        return replace(self, days=days, data_digest=digest_of(days), size=days.rows)

    def kept(self, draws: Array) -> tuple[Array, dict[str, Array]]:
        """Log likelihood (draw,) of all days, today's state, hazards and transitions."""
        mark = mark_of(self.size)
        before = self.density.load(self._part(0, mark), self.prior).filtered(draws)
        return self._from(mark, draws, before.state, before.log_likelihood)

    def reweigh(self, fit: Fit) -> Posterior:
        """The fit's draws, filtered on from its mark where all days before it are the same."""
        if fit.data_digest == self.data_digest:
            return Posterior(fit.draws, fit.log_weights, fit.log_likelihood, fit.extras)
        mark = mark_of(fit.size)
        is_same = self._part(0, mark).digest() == fit.data_digest.partition("/")[2]
        if is_same and 0 < self.size - mark <= TAIL:
            level = fit.extras[MARK_LEVEL][:, 0]
            likelihood, extras = self._from(mark, fit.draws, fit.extras[MARK_STATE], level)
        else:
            likelihood, extras = self.kept(fit.draws)
        gain = likelihood - fit.log_likelihood
        return Posterior(fit.draws, fit.log_weights + gain, likelihood, extras)

    def _from(
        self, mark: int, draws: Array, state: Array, level: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Filter on from the `state` (draw, 3) and log likelihood `level` (draw,) at a mark."""
        tail = compiled_density(TAIL).load(self._part(mark, self.size, TAIL), self.prior, True)
        found = tail.filtered_from(draws, state)
        extras = {
            STATE: found.state,
            HAZARD: found.hazard,
            TRANSITION: found.transition,
            MARK_STATE: state,
            MARK_LEVEL: level[:, None],
        }
        return level + found.log_likelihood, extras

    def _part(self, first: int, last: int, length: int | None = None) -> Days:
        return self.days.between(first, last, length or len(self.days.events))

    def weighed(self, fit: Fit) -> Rung:
        """The fit's draws on these days, whatever days they were made for."""
        return Rung.of("T1", fit, self.reweigh(fit))


def mark_of(rows: int) -> int:
    """The day from which new days are filtered, for a fit to so many."""
    return max(rows - BACK, 0)


def digest_of(days: Days) -> str:
    """A digest of all days, and one of those before the mark."""
    before = days.between(0, mark_of(days.rows), len(days.events))
    return f"{days.digest()}/{before.digest()}"


def filtered(posterior: Posterior) -> Filtered:
    """What the filter said, as it was kept with the draws."""
    kept = posterior.extras
    return Filtered(posterior.log_likelihood, kept[STATE], kept[HAZARD], kept[TRANSITION])
