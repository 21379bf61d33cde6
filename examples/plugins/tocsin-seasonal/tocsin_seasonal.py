"""Events that have a season: a Poisson rate with one wave a year.

log rate(day) = log_rate + a cos(2 pi day / year) + b sin(2 pi day / year)
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray

from models.api import Task
from models.family import PyMCFamily
from models.track import lay_out

YEAR = 365.25  # days
Array = NDArray[np.float64]


def seasonal_model(values: Mapping[str, NDArray[Any]]) -> pm.Model:
    """The PyMC model on the values of its data."""
    with pm.Model() as model:
        data = {name: pm.Data(name, value) for name, value in values.items()}
        log_rate = pm.Normal("log_rate", data["mean"], data["sd"])
        wave = pm.Normal("wave", 0.0, 0.7, shape=2)
        expected = data["exposure"] * pt.exp(log_rate + data["phase"] @ wave)
        pm.Potential("likelihood", pm.logp(pm.Poisson.dist(expected + 1e-12), data["events"]).sum())
    return model


class Seasonal(PyMCFamily):
    """The family `seasonal`; see the module."""

    name = "seasonal"
    build = staticmethod(seasonal_model)

    def data(self, task: Task) -> dict[str, NDArray[Any]]:
        """A row for each day at risk, and what is believed of the rate."""
        track, rate = lay_out(task), task.beliefs.log_rate
        days = np.arange(len(track.rows.exposure), dtype=float)
        return {
            "phase": phase(track.origin.timetuple().tm_yday + days),
            "exposure": track.rows.exposure,
            "events": track.rows.events,
            "mean": np.array(rate.mean),
            "sd": np.array(rate.sd),
        }

    def expected(self, values: dict[str, Array], task: Task, days: Array) -> Array:
        """The sum of the daily rates ahead, for each draw."""
        today = task.snapshot.as_of.timetuple().tm_yday
        ahead = np.arange(np.ceil(days[-1]))
        daily = np.exp(values["log_rate"][:, None] + values["wave"] @ phase(today + ahead).T)
        summed = np.concatenate([np.zeros((len(daily), 1)), np.cumsum(daily, axis=1)], axis=1)
        whole = days.astype(int)
        inside = np.append(daily, daily[:, -1:], axis=1)[:, whole] * (days - whole)
        return summed[:, whole] + inside


def phase(day_of_year: Array) -> Array:
    """Cosine and sine of the season (day, 2)."""
    angle = 2 * np.pi * day_of_year / YEAR
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)
