"""A look at a family of which no arrays are written here: by its own work, which imports PyMC."""

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from models.api import Task
from models.covariates import Array
from models.draws_family import DrawsFamily
from models.engine.fit import Fit, Posterior
from models.hazard import Hazard
from models.looks.hazard import HazardLook
from models.priors.beliefs import Beliefs

if TYPE_CHECKING:
    from models.work import DrawsWork


class Look(Protocol):
    """A task on kept draws; see `models.looks.hazard`."""

    @property
    def start(self) -> Array:
        """The prior means (parameter,)."""
        ...

    @property
    def scale(self) -> Array:
        """The prior standard deviations (parameter,)."""
        ...

    def is_of(self, fit: Fit) -> bool:
        """Whether a fit was made under these beliefs, for nearly these rows."""
        ...

    def has_place_for(self, fit: Fit) -> bool:
        """Whether a fit is of as many parameters and settings."""
        ...

    def log_prior(self, draws: Array) -> Array:
        """Log prior densities (draw,), up to a constant."""
        ...

    def reweigh(self, fit: Fit) -> Posterior:
        """The fit's draws on the present rows."""
        ...

    def posterior(self, draws: Array) -> Posterior:
        """Draws with their likelihood on the present rows, and no weights yet."""
        ...

    def chances(self, posterior: Posterior, most: int) -> dict[str, Array]:
        """P of each question for each of the first so many draws (draw,)."""
        ...


class WorkLook:
    """A look by the work of a family."""

    def __init__(self, work: "DrawsWork") -> None:
        self.work = work
        self.start, self.scale = work.problem.target.start, work.problem.target.scale

    def is_of(self, fit: Fit) -> bool:
        """Whether a fit was made under these beliefs, for nearly these rows."""
        return self.work.fits(fit) and self.work.problem.is_fresh(fit)

    def has_place_for(self, fit: Fit) -> bool:
        """Whether a fit is of as many parameters and settings."""
        return self.work.fits(fit)

    def log_prior(self, draws: Array) -> Array:
        """Log prior densities (draw,), up to a constant."""
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
        from models.engine.ladder import Rung

        extras = {name: values[:most] for name, values in posterior.extras.items()}
        some = (
            posterior.draws[:most],
            posterior.log_weights[:most],
            posterior.log_likelihood[:most],
        )
        fit = Fit(*some, "look", "", "", 0, extras=extras)
        return self.work.chances(Rung.of_fit(fit))


@lru_cache(maxsize=1)
def _one_thread() -> None:
    """Our matrices are thin: with two threads BLAS takes three times as long."""
    threadpool_limits(1, user_api="blas")


def look_at(family: DrawsFamily, task: Task, paths: int) -> Look:
    """A look at a task by so many draws, without PyMC where that can be."""
    _one_thread()
    if type(family) is Hazard:
        return HazardLook.of(task, family.model_hash(task.beliefs), paths)
    return WorkLook(family.work(task))


def other_look(family: DrawsFamily, look: Look, task: Task, beliefs: Beliefs, paths: int) -> Look:
    """A look at a task under other beliefs; `look` is that under its own."""
    if isinstance(look, HazardLook) and says_the_same(family, task.beliefs, beliefs):
        return look.believing(beliefs)
    return look_at(family, replace(task, beliefs=beliefs), paths)


def says_the_same(family: DrawsFamily, one: Beliefs, other: Beliefs) -> bool:
    """Whether a draw's P is the same under both: only priors of its parameters differ."""
    rest = [(b.narrower, b.couplings, b.ordinary_value, family.model_hash(b)) for b in (one, other)]
    return rest[0] == rest[1]
