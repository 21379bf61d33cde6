"""A look at a track on draws that it has: weighed, or put elsewhere, and nothing is fitted."""

from typing import TYPE_CHECKING

import numpy as np

from models.api import Task
from models.covariates import Array
from models.engine.fit import Fit, Posterior
from models.engine.ladder import Rung

if TYPE_CHECKING:
    from models.draws_family import DrawsFamily


class Look:
    """A task under its beliefs, as its family works on it.

    `start` and `scale` (parameter,) are the means and standard deviations of the prior.
    """

    def __init__(self, family: "DrawsFamily", task: Task) -> None:
        self.work = family.work(task)
        self.start, self.scale = self.work.problem.target.start, self.work.problem.target.scale

    def is_of(self, fit: Fit) -> bool:
        """Whether a fit was made under these beliefs, for nearly these rows."""
        return self.work.fits(fit) and self.work.problem.is_fresh(fit)

    def has_place_for(self, fit: Fit) -> bool:
        """Whether a fit is of as many parameters and settings."""
        return self.work.fits(fit)

    def log_prior(self, draws: Array) -> Array:
        """Log prior densities (draw,)."""
        return self.work.problem.target.log_prior(draws)

    def reweigh(self, fit: Fit) -> Posterior:
        """The fit's draws on the present rows."""
        return self.work.problem.reweigh(fit)

    def posterior(self, draws: Array) -> Posterior:
        """Draws with their likelihood on the present rows, and no weights yet."""
        likelihood, extras = self.work.problem.kept(draws)
        return Posterior(draws, np.zeros(len(draws)), likelihood, extras)

    def chances(self, posterior: Posterior, most: int) -> dict[str, Array]:
        """P of each question for each of the first so many draws (draw,)."""
        fit = Fit(
            posterior.draws,
            posterior.log_weights,
            posterior.log_likelihood,
            "look",
            "",
            "",
            0,
            extras=posterior.extras,
        )
        return self.work.chances(Rung.of_fit(fit.first(most)))
