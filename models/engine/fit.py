"""A fitted posterior: draws with raw log weights, kept between updates as plain arrays.

The weights of an update always start from those of the fit: what the rows since then add to
each draw's log likelihood is added once, and smoothed once.
"""

import hashlib
import io
from dataclasses import dataclass, replace

import numpy as np

from models.covariates import Array
from models.engine.density import Density, Prior
from models.engine.laplace import propose
from models.rows import Rows


@dataclass(frozen=True, slots=True)
class Exposure:
    """One unit's rows summed up for each draw: E and the sum of log m over events, (draw,)."""

    at_risk: Array
    log_m_of_events: Array
    events: float


@dataclass(frozen=True, slots=True)
class Fit:
    """Draws (draw, parameter) that were proposed for the data `rows_digest` stands for.

    `log_weights` (draw,) are raw: target over proposal. `exposure` is what `rows` rows of
    that data came to. `prior_digest` says which beliefs it was made with.
    """

    draws: Array
    log_weights: Array
    exposure: Exposure
    rows: int
    rows_digest: str
    prior_digest: str

    def first(self, draws: int) -> "Fit":
        """The same with the first draws only, which are as good a sample."""
        exposure = Exposure(
            self.exposure.at_risk[:draws],
            self.exposure.log_m_of_events[:draws],
            self.exposure.events,
        )
        return replace(
            self,
            draws=self.draws[:draws],
            log_weights=self.log_weights[:draws],
            exposure=exposure,
        )

    def to_bytes(self) -> bytes:
        """As a NumPy archive, without pickle; equal fits give equal bytes."""
        buffer = io.BytesIO()
        np.savez(
            buffer,
            draws=self.draws,
            log_weights=self.log_weights,
            at_risk=self.exposure.at_risk,
            log_m_of_events=self.exposure.log_m_of_events,
            numbers=np.array([self.exposure.events, self.rows]),
            digests=np.array([self.rows_digest, self.prior_digest]),
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, state: bytes) -> "Fit":
        """The inverse of `to_bytes`."""
        with np.load(io.BytesIO(state), allow_pickle=False) as saved:
            events, rows = saved["numbers"]
            rows_digest, prior_digest = map(str, saved["digests"])
            return cls(
                draws=saved["draws"],
                log_weights=saved["log_weights"],
                exposure=Exposure(saved["at_risk"], saved["log_m_of_events"], float(events)),
                rows=int(rows),
                rows_digest=rows_digest,
                prior_digest=prior_digest,
            )


@dataclass(frozen=True, slots=True)
class Posterior:
    """The draws of a fit with the raw log weights and the exposure of the present rows."""

    draws: Array
    log_weights: Array
    exposure: Exposure


def refit(
    density: Density, rows: Rows, prior: Prior, prior_digest: str, draws: int, seed: int
) -> Fit:
    """Rung R1 on all rows, which are loaded into `density` with their prior."""
    proposal = propose(density, prior.mean, prior.sd, draws, seed)
    exposure = expose(density, proposal.draws, rows)
    target = density.log_prior(proposal.draws) + _likelihood(density, proposal.draws, exposure)
    return Fit(
        proposal.draws,
        target - proposal.log_density,
        exposure,
        len(rows.x),
        rows_digest(rows),
        prior_digest,
    )


def reweigh(density: Density, fit: Fit, rows: Rows) -> Posterior:
    """Rungs T0 and T1: the fit's draws on the present rows.

    Appended rows are added to what the fit had; where earlier rows changed (an event that
    became known late, a retraction) all are summed again. Same rows, same weights.
    """
    unchanged = rows_digest(rows, fit.rows) == fit.rows_digest
    if unchanged and len(rows.x) == fit.rows:
        return Posterior(fit.draws, fit.log_weights, fit.exposure)
    if unchanged:
        exposure = _add(fit.exposure, expose(density, fit.draws, rows.between(fit.rows)))
    else:
        exposure = expose(density, fit.draws, rows)
    gain = _likelihood(density, fit.draws, exposure) - _likelihood(density, fit.draws, fit.exposure)
    return Posterior(fit.draws, fit.log_weights + gain, exposure)


def expose(density: Density, draws: Array, rows: Rows) -> Exposure:
    """Sum up rows of one unit for each draw."""
    if not len(rows.x):
        nothing = np.zeros(len(draws))
        return Exposure(nothing, nothing, 0.0)
    log_m = density.log_multiplier(draws, rows.x)
    return Exposure(np.exp(log_m) @ rows.exposure, log_m @ rows.events, float(rows.events.sum()))


def rows_digest(rows: Rows, first: int | None = None) -> str:
    """SHA-256 of the first rows, or of all."""
    digest = hashlib.sha256()
    for array in (rows.x, rows.exposure, rows.events):
        digest.update(np.ascontiguousarray(array[:first]).tobytes())
    return digest.hexdigest()


def _add(one: Exposure, other: Exposure) -> Exposure:
    return Exposure(
        one.at_risk + other.at_risk,
        one.log_m_of_events + other.log_m_of_events,
        one.events + other.events,
    )


def _likelihood(density: Density, draws: Array, exposure: Exposure) -> Array:
    return density.log_likelihood(
        draws, exposure.at_risk, exposure.log_m_of_events, exposure.events
    )
