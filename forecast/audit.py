"""The audit: whether the fast answer to a question is what sampling the same posterior gives."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

WARN = 2.0  # standard errors of the difference; 1 in 22 by chance alone
FAIL = 3.0  # 1 in 370
NEGLIGIBLE = 1e-3  # of probability: no decision turns on it, whatever the errors say


class Verdict(StrEnum):
    """What an audit found; OPEN where the two could not be compared."""

    AGREES = "agrees"
    WARNS = "warns"
    FAILS = "fails"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Audit:
    """The fast probability of a question beside that of NUTS on the same rows, as of a moment.

    `track` is the key of the posterior that both answer from. `mcse` is the Monte Carlo standard
    error of the difference, `z` the difference in those. `reason` says in words what is wrong,
    empty where they agree; where the verdict is OPEN the three numbers are None. `method` is
    the rung that answered, `diagnostics` are those of NUTS.
    """

    track: str
    question_id: str
    as_of: datetime
    p_fast: float
    method: str
    p_nuts: float | None
    mcse: float | None
    z: float | None
    verdict: Verdict
    reason: str = ""
    diagnostics: dict[str, float] = field(default_factory=dict)


def difference(one: float, mcse_one: float, other: float, mcse_other: float) -> tuple[float, float]:
    """The standard error of a difference of independent means, and the difference in those.

    >>> difference(0.30, 0.003, 0.31, 0.004)
    (0.005, 2.0)
    >>> difference(0.0, 0.0, 0.0, 0.0)
    (0.0, 0.0)
    >>> difference(1.0, 1e-17, 0.9999, 1e-6)[1]
    0.0
    """
    error = math.hypot(mcse_one, mcse_other)
    gap = abs(one - other)
    if gap <= NEGLIGIBLE:
        return error, 0.0
    return error, round(gap / error, 9) if error else math.inf


def verdict_of(z: float) -> Verdict:
    """Above 2 warns, above 3 fails; what is not a number cannot be judged.

    >>> [verdict_of(z).value for z in (2.0, 2.01, 3.01, float("nan"))]
    ['agrees', 'warns', 'fails', 'open']
    """
    if math.isnan(z):
        return Verdict.OPEN
    if z > FAIL:
        return Verdict.FAILS
    return Verdict.WARNS if z > WARN else Verdict.AGREES


def doubt_of(audits: Sequence[Audit]) -> str:
    """Why the fast answers of a track are not to be trusted, by its newest audits; else empty.

    A newer audit that could be judged and did not fail ends the doubt of an older one.
    """
    judged = [audit for audit in audits if audit.verdict is not Verdict.OPEN]
    newest = max((audit.as_of for audit in judged), default=None)
    failed = [a for a in judged if a.as_of == newest and a.verdict is Verdict.FAILS]
    worst = max(failed, key=lambda audit: audit.z or 0.0, default=None)
    return f"the audit failed: {worst.reason}" if worst else ""


def in_words(audits: Sequence[Audit]) -> str:
    """How many there were of each verdict, on one line.

    >>> in_words([])
    'nothing to audit'
    """
    counts = Counter(audit.verdict for audit in audits)
    found = [f"{counts[v]} {_NAMES[v]}" for v in Verdict if counts[v]]
    return ", ".join(found) or "nothing to audit"


_NAMES = {
    Verdict.AGREES: "agree with NUTS",
    Verdict.WARNS: "differ a little",
    Verdict.FAILS: "contradicted",
    Verdict.OPEN: "not comparable",
}
