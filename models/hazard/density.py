"""The hazard of `formulas` as one PyMC model, and the functions it compiles to.

The value with gradient, the prior and the likelihood come from its graph. The number of tags is
not part of the structure, nor is that of settings: nothing compiles twice in a process.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from models.engine.compiled import CompiledModel
from models.hazard.formulas import (
    SCALARS,
    Data,
    Prior,
    inverse_multiplier,
    members_of,
    score,
    unit_log_likelihood,
)
from models.rows import Rows


def hazard_model(data: Data, prior: Prior) -> pm.Model:
    """The PyMC model of these data under this prior."""
    return model_of(shared_values(data, prior))


def model_of(values: Mapping[str, Any]) -> pm.Model:
    """The PyMC model on the values of its `pm.Data`, by name; see `shared_values`."""
    with pm.Model() as model:
        inputs = {name: pm.Data(name, value) for name, value in values.items()}
        mean, sd = inputs["prior_mean"], inputs["prior_sd"]
        log_rate, log_shape, log_ceiling = (
            pm.Normal(name, mean[i], sd[i]) for i, name in enumerate(SCALARS)
        )
        beta = pm.Normal("beta", mean[3:], sd[3:])

        s = score(inputs["x"], beta, inputs["alone"], inputs["groups"], inputs["members"])
        inverse = inverse_multiplier(s, log_rate, log_ceiling, inputs["capped"])
        pm.Deterministic("log_m", -pt.log(inverse))
        settings = inputs["log_weight"].shape[0]
        by_setting = inverse.reshape((settings, -1))
        # sums by unit as differences of one running sum: scattering took a quarter of the time
        risk = pt.cumsum(inputs["exposure"] / by_setting, axis=1)
        running = pt.concatenate([pt.zeros((settings, 1)), risk], axis=1)
        by_unit = unit_log_likelihood(
            log_rate,
            log_shape,
            running[:, inputs["last"]] - running[:, inputs["first"]],
            0.0,
            inputs["events_by_unit"],
        )
        log_m_of_events = -pt.log(by_setting[:, inputs["event_rows"]])
        given = by_unit.sum(axis=1) + (inputs["events"] * log_m_of_events).sum(axis=1)
        pm.Potential("likelihood", pt.logsumexp(inputs["log_weight"] + given))
    return model


def shared_values(data: Data, prior: Prior) -> dict[str, Any]:
    """The model's data and priors by name; the settings of `x` follow each other."""
    rows = data.rows
    happened, members = np.flatnonzero(rows.events), members_of(prior)
    return {
        "x": np.ascontiguousarray(data.x.reshape(-1, data.x.shape[-1])),
        "exposure": rows.exposure,
        "events": rows.events[happened],
        "event_rows": happened,
        "first": rows.bounds[:-1],
        "last": rows.bounds[1:],
        "events_by_unit": rows.events_by_unit,
        "log_weight": data.log_weight,
        "alone": prior.alone,
        "groups": prior.groups[members],
        "members": members,
        "prior_mean": prior.mean,
        "prior_sd": prior.sd,
        "capped": np.array(float(prior.capped)),
    }


class Density(CompiledModel):
    """The model's graph compiled; one object serves every prior and every data set."""

    def __init__(self) -> None:
        empty = Data.of(Rows.of_one_unit(np.zeros((1, 1)), np.ones(1), np.zeros(1)))
        blank = Prior(np.zeros(4), np.ones(4), np.ones(1), np.zeros((1, 0)), True)
        super().__init__(hazard_model(empty, blank))
        self._held: tuple[Data, Prior] = (empty, blank)

    def load(self, data: Data, prior: Prior) -> "Density":
        """Put data and prior into the compiled functions, unless they are there."""
        if data is not self._held[0] or prior is not self._held[1]:
            self.set_data(shared_values(data, prior))
            self._held = (data, prior)
        return self


@lru_cache(maxsize=1)
def compiled_density() -> Density:
    """The compiled density, once a process."""
    return Density()
