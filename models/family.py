"""A family from a PyMC model alone: what a stranger writes is the model and what it expects.

    class Seasonal(PyMCFamily):
        name = "seasonal"
        build = staticmethod(seasonal_model)       values of its pm.Data -> pm.Model
        def data(self, task): ...                  the values, by name
        def expected(self, values, task, days): ...  events from now to each day, by draw

The events that a draw expects come as a Poisson process. The ladder with its gates, the state,
bands, curves, counts, narrower definitions, moves and held estimates are done here.
docs/plugins.md has a whole one.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from forecast.errors import HeldError
from models.api import Task
from models.covariates import Array
from models.draws_family import DrawsFamily

if TYPE_CHECKING:
    import pymc as pm

    from models.engine.compiled import CompiledModel
    from models.pymc_work import PyMCWork

type Values = Mapping[str, NDArray[Any]]


class PyMCFamily(DrawsFamily):
    """A family of models; see the module. One object serves every update of a process."""

    uses_nuts: bool = True  # as the last rung: its program takes half a minute to compile, once
    build: Callable[[Values], "pm.Model"]  # a function of a module, so that NUTS can find it
    _compiled: "CompiledModel | None" = None
    _loaded: dict[str, NDArray[Any]] | None = None

    @abstractmethod
    def data(self, task: Task) -> dict[str, NDArray[Any]]:
        """The values of every pm.Data, by name, from what was known before `as_of`.

        Priors belong among them: then a retuned one never compiles again. The same names,
        numbers of axes and types for every task.
        """

    @abstractmethod
    def expected(self, values: dict[str, Array], task: Task, days: Array) -> Array:
        """The expected number of root events (draw, day) from now to each of `days` from now.

        `values` are the model's unobserved variables by name, (draw, ...) each. Days rise
        from 0; the numbers must rise with them.
        """

    def work(self, task: Task) -> "PyMCWork":
        """The work of one update."""
        from models.pymc_work import PyMCWork

        return PyMCWork(self, task)

    def compiled_with(self, data: dict[str, NDArray[Any]]) -> "CompiledModel":
        """The compiled model with these very data in it; HeldError where some are not numbers."""
        if self._compiled is not None and self._loaded is data:
            return self._compiled
        for name, value in data.items():
            if np.isnan(value).any():
                raise HeldError(f"the data '{name}' of the model are not all numbers", at=self.name)
        if self._compiled is None:
            from models.engine.compiled import CompiledModel

            self._compiled = CompiledModel(self.build(data))
        self._loaded = None
        self._compiled.set_data(data)
        self._loaded = data
        return self._compiled
