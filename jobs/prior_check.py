"""Whether the data contradict the prior, and what to do then. Nothing is written."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from forecast.errors import UsageError
from jobs.app import App
from jobs.prior_units import Watched, effective, hears_signs, watched_units
from models.priors.beliefs import Beliefs, beliefs_of
from models.priors.check import DRAWS, Checked, check_counts, class_draws, predicted

FEW_DRAWS = 400  # where each costs a pass over the rows


@dataclass(frozen=True, slots=True)
class PriorCheck:
    """The statistics of all units, and what follows, in words.

    Of `units` out of `known`. `days` at risk in all.
    """

    root: str
    units: int
    known: int
    days: float
    checks: tuple[Checked, ...]
    advice: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """The worst of the statistics."""
        found = {check.verdict for check in self.checks}
        return next((v for v in ("conflict", "doubtful") if v in found), "fine")


def check_prior(app: App, root: str, as_of: datetime) -> PriorCheck:
    """Against all that was known before `as_of`; UsageError where nothing was watched."""
    beliefs = beliefs_of(app.config, root)
    units, known = watched_units(app, root, as_of)
    if not units:
        raise UsageError(f"no unit of '{root}' was watched for a day: there is nothing to check")
    seed = app.config.watch.seed
    draws = FEW_DRAWS if hears_signs(beliefs) else DRAWS
    log_rate, log_shape = class_draws(beliefs, draws, seed)
    at_risk = np.stack([_at_risk(u, log_rate, log_shape) for u in units], axis=1)
    counts = predicted(
        log_rate,
        log_shape,
        at_risk,
        seed,
        once=not beliefs.recurrent,
        alone=beliefs.model == "base-rate",
    )
    observed = [u.history.events for u in units]
    checks = tuple(check_counts(observed, counts, once=not beliefs.recurrent))
    days = sum(u.history.days for u in units)
    return PriorCheck(root, len(units), known, days, checks, tuple(_advice(root, beliefs, checks)))


def _at_risk(watched: Watched, log_rate: np.ndarray, log_shape: np.ndarray) -> np.ndarray:
    """Effective days (draw,), of what can happen once as if it had not."""
    found = effective(watched, log_rate, log_shape)
    if watched.track.task.beliefs.recurrent:
        return found
    return found * (watched.until_now / watched.history.days)


def _advice(root: str, beliefs: Beliefs, checks: tuple[Checked, ...]) -> list[str]:
    advice = []
    for check in checks:
        if check.verdict == "fine":
            continue
        is_high = check.observed > check.upper or check.observed > (check.lower + check.upper) / 2
        if check.name == "events in all":
            advice.append(_about_rate(root, beliefs, is_high))
        else:
            word = "more" if is_high else "less"
            advice.append(
                f"units differ {word} than unit_spread says: look whether one of them is of "
                f"another kind, or set unit_spread {'wider' if is_high else 'narrower'}"
            )
    return list(dict.fromkeys(advice))


def _about_rate(root: str, beliefs: Beliefs, is_high: bool) -> str:
    if is_high:
        signs = " and the effects of the signs" if beliefs.effects else ""
        look = (
            f"the base rate{signs} may be too low, or events are counted that are not of its kind"
        )
    else:
        look = "the base rate may be too high, or events are missed, or the time at risk is less"
    return f"{look}; `tocsin priors retune {root}` proposes from what happened"
