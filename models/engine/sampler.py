"""Compiled NUTS programs: nutpie on Numba, once a structure, any data after that.

Only the worker imports this. What was found of nutpie 0.16, and is held by tests:

- `with_data` takes new lengths of every array, observed or not, but keeps what it is not
  given: so all data are given every time.
- The chains of a PyMC model ignore `init_mean`, and the model's own starting points are those
  of the data that it was compiled with: so the starting points are ours.
- Deterministics are expanded at the lengths they had: so none is stored (`var_names=[]`).
- The draws do not depend on the number of cores, nor on which data it was compiled with; but
  with fast maths (PyTensor's default) they do on whether the machine code was just compiled or
  comes from PyTensor's cache on disk, as the compiler rounds otherwise where it inlines.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np
import nutpie
import pytensor
from arviz_stats.base import array_stats
from threadpoolctl import threadpool_limits

from forecast.errors import HeldError
from models.covariates import Array
from models.engine.nuts import NutsJob, NutsResult

MOST_PROGRAMS = 4
CAREFUL = 0.99  # the target acceptance rate, where steps of the usual size diverged


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled program, with the names of the data that matter to it."""

    compiled: Any
    used: tuple[str, ...]

    @classmethod
    def of(cls, job: NutsJob) -> "Program":
        """Build and compile, which takes seconds; HeldError where the model cannot be used."""
        model = _builder(job.build)(job.data)
        if differ := {variable.name for variable in model.data_vars} ^ job.data.keys():
            words = f"the data of the job are not the pm.Data of the model: {sorted(differ)}"
            raise HeldError(words)
        parameters = sum(np.size(value) for value in model.initial_point().values())
        if parameters != len(job.start):
            raise HeldError(f"the model has {parameters} parameters, the job {len(job.start)}")
        with pytensor.config.change_flags(numba__fastmath=False):
            compiled = nutpie.compile_pymc_model(model, backend="numba", var_names=[])
        used = [variable.name for variable in compiled.shared_var_keys]
        if unnamed := set(used) - job.data.keys():
            raise HeldError(f"the model shares {sorted(map(str, unnamed))}, which is no pm.Data")
        return cls(compiled, tuple(used))

    def run(self, job: NutsJob) -> NutsResult:
        """Sample; anew with small steps where a draw diverged."""
        data = {name: job.data[name] for name in self.used}
        program = replace(self.compiled.with_data(**data), initial_point_func=_starts(job))
        result = _sample(program, job)
        if result.divergences:
            result = replace(_sample(program, job, target_accept=CAREFUL), retried=True)
        return result


class Programs:
    """The programs compiled so far, the least recently used of too many let go."""

    def __init__(self) -> None:
        threadpool_limits(1, user_api="blas")  # thin matrices, and equal sums every time
        self._programs: OrderedDict[tuple[Any, ...], Program] = OrderedDict()

    def run(self, job: NutsJob) -> NutsResult:
        """Sample, compiling where need be."""
        key = job.program_key()
        if key not in self._programs:
            self._programs[key] = Program.of(job)
        self._programs.move_to_end(key)
        while len(self._programs) > MOST_PROGRAMS:
            self._programs.popitem(last=False)
        return self._programs[key].run(job)


def _builder(path: str) -> Callable[[Any], Any]:
    module, _, name = path.partition(":")
    build: Callable[[Any], Any] = getattr(import_module(module), name)
    return build


def _starts(job: NutsJob) -> Callable[[int], Array]:
    """Starting points, spread wider than the chains will be, so that R-hat can tell."""

    def start(seed: int) -> Array:
        jitter = np.random.default_rng(seed).uniform(-1.0, 1.0, len(job.start))
        return np.asarray(job.start + job.scale * jitter, float)

    return start


def _sample(program: Any, job: NutsJob, **settings: float) -> NutsResult:
    trace = nutpie.sample(
        program,
        draws=job.draws,
        tune=job.tune,
        chains=job.chains,
        seed=job.seed,
        progress_bar=False,
        save_warmup=False,
        store_unconstrained=True,
        **settings,
    )
    found = {name: variable.to_numpy() for name, variable in trace.sample_stats.items()}
    return NutsResult(
        draws=found["unconstrained_draw"].astype(float),
        log_density=found["logp"].astype(float),
        divergences=int(found["diverging"].sum()),
        ebfmi=array_stats.bfmi(found["energy"], chain_axis=0, draw_axis=1),
        max_depth_share=float(found["maxdepth_reached"].mean()),
        retried=False,
    )
