"""The small print of an estimate in words: its health, how it came about, what vouches for it."""

from datetime import datetime

from forecast.estimate import Coupling, Estimate, Health
from forecast.likelihood import percent
from forecast.reports.phrases import (
    check_words,
    clean,
    day_words,
    instant_words,
    range_words,
    times,
)

LIKELY = 0.9  # a coupling is spoken of as found above this, and as refuted below 1 less this
CERTIFICATES = {
    "passed": "✓ calibrated in simulated worlds",
    "failed": "✗ failed its calibration in simulated worlds",
    "stale": "‖ uncertified: the code has changed since its calibration",
    "none": "‖ uncertified: never calibrated in simulated worlds",
}
METHODS = {
    "T0": "T0: kept draws, the clock or the evidence moved",
    "T1": "T1: kept draws, weighed anew",
    "T2": "T2: draws resampled and moved",
    "R1": "R1: new draws about the mode",
    "R2": "R2: new draws by NUTS",
    "conjugate": "closed form",
}


def health_words(estimate: Estimate, since: datetime | None) -> str:
    """'✓ passed its gates', or which number stands, `since` when, and why."""
    reason = clean(estimate.reason, 300)
    long = f" since {day_words(since)}" if since else ""
    return {
        Health.HEALTHY: "✓ passed its gates",
        Health.HELD: f"‖ held{long}, the last good number stands: {reason}",
        Health.UNVERIFIED: f"✗ unverified{long}, no gate vouches for this number: {reason}",
    }[estimate.health]


def check_rows(estimate: Estimate, since: datetime | None) -> list[tuple[str, str]]:
    """What was checked and how it came out, as (name, words); `since` when it is not healthy."""
    method = METHODS.get(estimate.method, clean(estimate.method, 60))
    rows = [
        ("Health", health_words(estimate, since)),
        ("Model", clean(estimate.model, 60)),
        ("Certificate", CERTIFICATES.get(estimate.certificate, "not looked up")),
        ("Method", method),
        *(("Failed before it", clean(failed, 300)) for failed in estimate.escalation),
        *(("Finding", clean(finding, 300)) for finding in estimate.findings),
        *(check_words(clean(name, 60), value) for name, value in estimate.diagnostics.items()),
        ("As of", f"{instant_words(estimate.as_of)}; only what was known before"),
        ("Digest of the inputs", clean(estimate.inputs_digest, 80)),
        ("Hash of the model", clean(estimate.model_hash, 80)),
    ]
    return rows


def count_rows(estimate: Estimate) -> list[tuple[str, str]]:
    """How many events are to be expected, as (what, words); nothing where one is the most."""
    if len(estimate.at_least) < 2 or estimate.expected_count is None:
        return []
    chances = [(f"at least {n}", percent(p)) for n, p in enumerate(estimate.at_least, start=1)]
    return [("expected number", f"{estimate.expected_count:.2g}"), *chances]


def coupling_words(coupling: Coupling) -> tuple[str, str, str]:
    """How probable it is that another unit bears on this one, before and after, and how much."""
    if coupling.posterior > LIKELY:
        verdict = "they move together"
    elif coupling.posterior < 1 - LIKELY:
        verdict = "they move apart"
    else:
        verdict = "not settled"
    effect = f"{times(coupling.median)} [{range_words(coupling.lower, coupling.upper)}]"
    return (
        f"{percent(coupling.prior)} before the evidence",
        f"{percent(coupling.posterior)} now: {verdict}",
        f"{effect} if so",
    )
