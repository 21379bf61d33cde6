"""A fitted posterior: draws with raw log weights, kept between updates as plain arrays.

The weights of an update always start from those of the fit: what the data since then add to
each draw's log likelihood is added once, and smoothed once.
"""

import io
from dataclasses import dataclass, field, replace
from zipfile import BadZipFile

import numpy as np

from models.covariates import Array

EXTRA = "extra."  # before the names of what a family keeps with each draw


@dataclass(frozen=True, slots=True)
class Fit:
    """Draws (draw, parameter) of the posterior given the data that `data_digest` stands for.

    `log_weights` (draw,) are raw: target over proposal. `log_likelihood` (draw,) is of that
    data, `size` its number of rows; `extras` are what the family keeps with each draw, arrays
    whose first axis is the draw. `prior_digest` says with which beliefs it was made, `method`
    on which rung, and `efficiency` how many independent draws one of these is worth.
    """

    draws: Array
    log_weights: Array
    log_likelihood: Array
    method: str
    prior_digest: str
    data_digest: str
    size: int
    efficiency: float = 1.0
    extras: dict[str, Array] = field(default_factory=dict)

    def first(self, draws: int) -> "Fit":
        """The same with the first draws only, which are as good a sample."""
        return replace(
            self,
            draws=self.draws[:draws],
            log_weights=self.log_weights[:draws],
            log_likelihood=self.log_likelihood[:draws],
            extras={name: values[:draws] for name, values in self.extras.items()},
        )

    def to_bytes(self) -> bytes:
        """As a NumPy archive, without pickle; equal fits give equal bytes."""
        buffer = io.BytesIO()
        arrays = {EXTRA + name: values for name, values in sorted(self.extras.items())}
        np.savez(
            buffer,
            draws=self.draws,
            log_weights=self.log_weights,
            log_likelihood=self.log_likelihood,
            numbers=np.array([self.size, self.efficiency]),
            words=np.array([self.method, self.prior_digest, self.data_digest]),
            allow_pickle=False,
            **arrays,
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, state: bytes) -> "Fit":
        """The inverse of `to_bytes`; ValueError, KeyError or OSError for other bytes."""
        with np.load(io.BytesIO(state), allow_pickle=False) as saved:
            size, efficiency = saved["numbers"]
            method, prior_digest, data_digest = map(str, saved["words"])
            return cls(
                draws=saved["draws"],
                log_weights=saved["log_weights"],
                log_likelihood=saved["log_likelihood"],
                method=method,
                prior_digest=prior_digest,
                data_digest=data_digest,
                size=int(size),
                efficiency=float(efficiency),
                extras={
                    name.removeprefix(EXTRA): saved[name]
                    for name in saved.files
                    if name.startswith(EXTRA)
                },
            )

    @classmethod
    def restored(cls, state: bytes | None) -> "Fit | None":
        """The fit of a state; None, and so a new fit, where there is none that can be read."""
        try:
            return cls.from_bytes(state) if state else None
        except (ValueError, KeyError, OSError, EOFError, BadZipFile):
            return None


@dataclass(frozen=True, slots=True)
class Posterior:
    """The draws of a fit with the raw log weights, and what is kept with them, on present data."""

    draws: Array
    log_weights: Array
    log_likelihood: Array
    extras: dict[str, Array] = field(default_factory=dict)
