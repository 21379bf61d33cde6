"""What a posterior is to the ladder: a density on unconstrained parameters, and many at once."""

from typing import Protocol

from models.covariates import Array


class Target(Protocol):
    """A posterior: theta (parameter,) on the unconstrained scale, draws (draw, parameter).

    Densities are up to one constant, the same for the value and for the parts.
    """

    @property
    def start(self) -> Array:
        """Where the search for the mode begins (parameter,): the prior means."""
        ...

    @property
    def scale(self) -> Array:
        """The prior standard deviations (parameter,), on the unconstrained scale."""
        ...

    def value_and_gradient(self, theta: Array) -> tuple[float, Array]:
        """Log posterior density and its gradient (parameter,)."""
        ...

    def log_prior(self, draws: Array) -> Array:
        """Log prior densities (draw,), transforms of constrained parameters included."""
        ...

    def log_likelihood(self, draws: Array) -> Array:
        """Log likelihoods (draw,) of all the data."""
        ...
