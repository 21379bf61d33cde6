"""What the signs of the past make of the time at risk, under draws of the prior."""

import numpy as np

from models.api import Task
from models.covariates import Array
from models.draws_family import DrawsFamily


def effective_days(family: DrawsFamily, task: Task, log_rate: Array, log_shape: Array) -> Array:
    """E (draw,), the integral of m over the time at risk, for draws of rate and shape (draw,).

    Ceiling and effects are drawn from their priors, the same for every unit; on average over
    the settings.
    """
    from models.hazard.problem import AT_RISK, expose
    from models.hazard.update import Work

    work = Work(task, family.model_hash(task.beliefs))
    rng = np.random.default_rng([task.seed, 9])
    z = rng.standard_normal((len(log_rate), len(work.prior.mean)))
    draws = work.prior.mean + work.prior.sd * z
    draws[:, 0], draws[:, 1] = log_rate, log_shape
    data = work.problem.data
    return np.asarray(expose(work.multiplier, draws, data)[AT_RISK] @ np.exp(data.log_weight))
