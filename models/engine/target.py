"""What a posterior is to the ladder: a density on unconstrained parameters, and many at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from models.covariates import Array


class Densities(Protocol):
    """Log densities at theta (parameter,), unconstrained, or at draws (draw, parameter).

    They are up to one constant, the same for the value and for the parts.
    """

    def value_and_gradient(self, theta: Array) -> tuple[float, Array]:
        """Log posterior density and its gradient (parameter,)."""
        ...

    def log_prior(self, draws: Array) -> Array:
        """Log prior densities (draw,), transforms of constrained parameters included."""
        ...

    def log_likelihood(self, draws: Array) -> Array:
        """Log likelihoods (draw,) of all the data."""
        ...


class Target(Densities, Protocol):
    """A posterior, and where to look for it."""

    @property
    def start(self) -> Array:
        """Where the search for the mode begins (parameter,): the prior means."""
        ...

    @property
    def scale(self) -> Array:
        """The prior standard deviations (parameter,), on the unconstrained scale."""
        ...


@dataclass(frozen=True, slots=True)
class Loaded:
    """A target whose densities are those of a compiled model that serves others as well.

    `load` puts this one's data and prior into it, if they are not there, and gives it.
    """

    start: Array
    scale: Array
    load: Callable[[], Densities]

    def value_and_gradient(self, theta: Array) -> tuple[float, Array]:
        """Log posterior density and its gradient (parameter,)."""
        return self.load().value_and_gradient(theta)

    def log_prior(self, draws: Array) -> Array:
        """Log prior densities (draw,)."""
        return self.load().log_prior(draws)

    def log_likelihood(self, draws: Array) -> Array:
        """Log likelihoods (draw,) of all the data."""
        return self.load().log_likelihood(draws)
