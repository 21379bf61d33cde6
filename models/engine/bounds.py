"""The bounds that an estimate was held to, as numbers that stand beside its diagnostics.

Nothing is decided here: `gates.py`, `nuts.py` and `move.py` decide. A bound is named after the
diagnostic that it is of, with `_below` (the number must be less), `_at_least` or `_at_most`.
"""

import math
from dataclasses import fields, replace

from forecast.estimate import Estimate
from models.engine.gates import MAX_MCSE, khat_limit, least_ess


def with_bounds(estimate: Estimate) -> Estimate:
    """The estimate with the bounds of its gates among its diagnostics.

    Numbers that no gate of the ladder looked at have none.
    """
    found = estimate.diagnostics
    if estimate.method == "R2" and "rhat" in found:
        bounds = _sampled()
    elif {"khat", "ess", "draws"} <= found.keys():
        bounds = _weighed(found["draws"])
    else:
        return estimate
    if "correlation" in found:
        bounds |= _moved()
    return replace(estimate, diagnostics={**found, **bounds, "mcse_at_most": MAX_MCSE})


def _weighed(draws: float) -> dict[str, float]:
    """Those of weighed draws; of fewer than two there is no tail to judge."""
    if not (math.isfinite(draws) and draws > 1):
        return {}
    return {"khat_below": khat_limit(int(draws)), "ess_at_least": least_ess(int(draws))}


def _sampled() -> dict[str, float]:
    """Those of NUTS."""
    from models.engine.nuts import MAX_DEPTH_SHARE, MAX_RHAT, MIN_EBFMI, MIN_ESS, NutsJob

    chains = next(float(f.default) for f in fields(NutsJob) if f.name == "chains")  # type: ignore[arg-type]
    return {
        "rhat_at_most": MAX_RHAT,
        "ess_at_least": MIN_ESS * chains,
        "divergences_at_most": 0.0,
        "ebfmi_at_least": MIN_EBFMI,
        "max_depth_share_at_most": MAX_DEPTH_SHARE,
    }


def _moved() -> dict[str, float]:
    from models.engine.move import MOST_CORRELATION

    return {"correlation_at_most": MOST_CORRELATION}
