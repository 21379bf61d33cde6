"""One inference as the ladder sees it: a target, digests of data and beliefs, what to keep."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.covariates import Array
from models.engine.fit import Fit, Posterior
from models.engine.target import Target

if TYPE_CHECKING:
    from models.engine.nuts import NutsJob

MOST_NEW = 30  # rows, after which the draws are made anew, so that an update stays cheap


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A posterior to be drawn from.

    `size` is the number of rows of the data, `most_new` of how many new ones a fit may be
    weighed with before it is made anew. `nuts_job` makes the job of rung R2, or None.
    A family that can do better than to compute the likelihood of all data again overrides
    `kept` and `reweigh`.
    """

    target: Target
    seed: int
    prior_digest: str
    data_digest: str
    size: int
    most_new: int = MOST_NEW
    nuts_job: "Callable[[], NutsJob] | None" = None

    def is_fresh(self, fit: Fit) -> bool:
        """Whether the draws were made under these beliefs, for nearly these data."""
        new = self.size - fit.size
        return fit.prior_digest == self.prior_digest and 0 <= new <= self.most_new

    def kept(self, draws: Array) -> tuple[Array, dict[str, Array]]:
        """Log likelihood (draw,) of the data, and what is to be kept with each draw."""
        return self.target.log_likelihood(draws), {}

    def reweigh(self, fit: Fit) -> Posterior:
        """The fit's draws on the present data; the very same weights where nothing changed."""
        if fit.data_digest == self.data_digest:
            return Posterior(fit.draws, fit.log_weights, fit.log_likelihood, fit.extras)
        likelihood, extras = self.kept(fit.draws)
        gain = likelihood - fit.log_likelihood
        return Posterior(fit.draws, fit.log_weights + gain, likelihood, extras)

    def fit(
        self, draws: Array, log_proposal: Array | None, method: str, efficiency: float = 1.0
    ) -> Fit:
        """New draws, weighed by target over proposal; None for draws of the target itself."""
        likelihood, extras = self.kept(draws)
        if log_proposal is None:
            log_weights = np.zeros(len(draws))
        else:
            log_weights = self.target.log_prior(draws) + likelihood - log_proposal
        return Fit(
            draws,
            log_weights,
            likelihood,
            method,
            self.prior_digest,
            self.data_digest,
            self.size,
            efficiency,
            extras,
        )
