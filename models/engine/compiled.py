"""A PyMC model as compiled functions: the one source of every density.

PyTensor's Python linker without fusion compiles them in well under a second, once a process:
data and priors are `pm.Data`, so new rows and retuned priors never compile again.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode
from pytensor.graph.replace import graph_replace, vectorize_graph
from scipy.optimize import minimize

from models.covariates import Array
from models.engine.parts import in_parts, one_thread

STEP = 1e-4  # of the differences of the prior's gradient
FLATTEST = 1e-4  # precision of a parameter of which the prior says nothing


class CompiledModel:
    """The densities of a PyMC model, of one theta and of many draws at once.

    theta holds the model's unobserved variables in the order of `model.value_vars`, each on
    its unconstrained scale and ravelled. One of them may be a vector of a length that data
    decide; it must come last.
    """

    def __init__(self, model: pm.Model) -> None:
        one_thread()
        self.model = model
        self.theta, self.draws = pt.vector("theta"), pt.matrix("draws")
        self._parts = dict(zip(model.value_vars, _slices(self.theta, model), strict=True))
        self._mode = Mode(linker="py", optimizer="fast_run").excluding("fusion")
        self._log_posterior = self.at_theta(model.logp())
        self._log_prior = self.at_theta(model.varlogp)
        self._log_likelihood = self.at_theta(model.observedlogp + model.potentiallogp)
        self._along: dict[tuple[str, str, bool], Any] = {}
        self._rows = 1

    def at_theta(self, graph: Any) -> Any:
        """A graph of the model's value variables as one of `theta`."""
        return graph_replace([graph], self._parts, strict=False)[0]

    def named(self, name: str) -> Any:
        """The graph of a named deterministic of the model, as one of `theta`."""
        [graph] = self.model.replace_rvs_by_values([self.model[name]])
        return self.at_theta(graph)

    def batched(self, graph: Any, replace: dict[Any, Any] | None = None) -> Any:
        """A graph of `theta` as one of `draws`, one theta a row; `replace` gains that axis too."""
        return vectorize_graph(graph, {self.theta: self.draws, **(replace or {})})

    def function(self, inputs: Sequence[Any], outputs: Any) -> Any:
        """Compile."""
        return pytensor.function(inputs, outputs, mode=self._mode, on_unused_input="ignore")

    def set_data(self, data: dict[str, Any], rows: int = 0) -> None:
        """Put data and priors into the compiled functions, under the names of their pm.Data.

        `rows` says how many draws are computed at once; where it does not, the longest does.
        """
        pm.set_data(data, model=self.model)
        longest = max((len(value) for value in data.values() if np.ndim(value)), default=1)
        self._rows = rows or longest

    def value_and_gradient(self, theta: Array) -> tuple[float, Array]:
        """Log posterior density and its gradient (parameter,) at theta."""
        value, gradient = self._compiled_gradient(theta)
        return float(value), np.asarray(gradient)

    def log_prior(self, draws: Array) -> Array:
        """Log prior densities (draw,) of draws (draw, parameter)."""
        return np.asarray(self._compiled_prior(draws))

    def log_likelihood(self, draws: Array) -> Array:
        """Log likelihoods (draw,) of draws (draw, parameter), on the data that were put in."""
        return in_parts(self._compiled_likelihood, draws, self._rows)

    def along(self, name: str, data: str, draws: Array, values: Array) -> Array:
        """A named deterministic (draw, ...) with `values` in place of what a pm.Data holds.

        They are for all draws, or have one axis more and are each draw's own. Their next axis
        says how many draws are computed at once.
        """
        is_own = values.ndim > self.model[data].ndim
        compiled = self._compiled_along(name, data, is_own)
        if is_own:
            return in_parts(compiled, draws, values.shape[1], values)
        return in_parts(lambda some: compiled(some, values), draws, len(values))

    def _compiled_along(self, name: str, data: str, is_own: bool) -> Any:
        key = (name, data, is_own)
        if key not in self._along:
            graph, held = self.named(name), self.model[data]
            given = pt.tensor(dtype=held.dtype, shape=(None,) * (held.ndim + is_own))
            if is_own:
                batch = self.batched(graph, {held: given})
            else:
                batch = self.batched(graph_replace([graph], {held: given})[0])
            self._along[key] = self.function([self.draws, given], batch)
        return self._along[key]

    def values(self, draws: Array) -> dict[str, Array]:
        """The model's unobserved variables on their own scale, by name: (draw, ...) each."""
        found = self._compiled_values(draws)
        names = (variable.name for variable in self.model.free_RVs)
        return {name: np.asarray(value) for name, value in zip(names, found, strict=True)}

    def prior_shape(self) -> tuple[Array, Array]:
        """The mode of the prior (parameter,) and its standard deviations there, unconstrained."""
        size = int(sum(np.prod(shape) for shape in self._compiled_shapes()))

        def objective(theta: Array) -> tuple[float, Array]:
            value, gradient = self._compiled_prior_gradient(theta)
            return -float(value), -np.asarray(gradient)

        mode = np.asarray(minimize(objective, np.zeros(size), jac=True, method="L-BFGS-B").x)
        steps = STEP * np.eye(size)
        ahead, behind = (
            np.array([objective(mode + sign * step)[1] for step in steps]) for sign in (1, -1)
        )
        precision = np.diag(ahead - behind) / (2 * STEP)
        return mode, 1 / np.sqrt(np.maximum(precision, FLATTEST))

    @cached_property
    def _compiled_values(self) -> Any:
        graphs = self.model.replace_rvs_by_values(self.model.free_RVs)
        batches = [self.batched(self.at_theta(graph)) for graph in graphs]
        return self.function([self.draws], batches)

    @cached_property
    def _compiled_shapes(self) -> Any:
        shapes = []
        for variable in self.model.free_RVs:
            transform = self.model.rvs_to_transforms[variable]
            inputs = variable.owner.inputs
            moved = transform.forward(variable, *inputs) if transform else variable
            shapes.append(pt.as_tensor(moved.shape))
        return self.function([], shapes)

    @cached_property
    def _compiled_prior_gradient(self) -> Any:
        gradient = pt.grad(self._log_prior, self.theta, disconnected_inputs="ignore")
        return self.function([self.theta], [self._log_prior, gradient])

    @cached_property
    def _compiled_gradient(self) -> Any:
        gradient = pt.grad(self._log_posterior, self.theta)
        return self.function([self.theta], [self._log_posterior, gradient])

    @cached_property
    def _compiled_prior(self) -> Any:
        return self.function([self.draws], self.batched(self._log_prior))

    @cached_property
    def _compiled_likelihood(self) -> Any:
        nothing = pt.zeros_like(self.draws[:, 0])  # for a likelihood that does not depend on theta
        return self.function([self.draws], self.batched(self._log_likelihood) + nothing)


def _slices(theta: Any, model: pm.Model) -> list[Any]:
    parts: list[Any] = []
    begin = 0
    for variable in model.value_vars:
        if begin < 0:
            raise ValueError(f"{variable.name} comes after a variable whose length data decide")
        shape = variable.type.shape
        if None in shape:
            if len(shape) != 1:
                raise ValueError(f"{variable.name} has {len(shape)} axes of unknown length")
            parts.append(theta[begin:])
            begin = -1
            continue
        size = int(np.prod(shape))
        parts.append(theta[begin] if not shape else theta[begin : begin + size].reshape(shape))
        begin += size
    return parts
