"""Whether a number may be relied on, check by check, and the small print behind it."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from forecast.audit import WARN, Audit, Verdict
from forecast.estimate import Coupling, Estimate, Health
from forecast.likelihood import percent
from forecast.reports.numbers import Check, Mark, is_told, number_checks, points_of
from forecast.reports.phrases import (
    age_words,
    check_words,
    clean,
    counted,
    day_words,
    instant_words,
    range_words,
    times,
)
from forecast.reports.view import QuestionReport, Status

LIKELY = 0.9  # a coupling is spoken of as found above this, and as refuted below 1 less this
PATIENCE = timedelta(minutes=15)  # after a slot its estimates may still be under way
_ORDER = list(Mark)
_CERTIFICATES = {
    "passed": (Mark.PASS, "calibrated in simulated worlds"),
    "failed": (
        Mark.FAIL,
        "not calibrated: the model failed its simulated worlds; "
        "`tocsin models show {model}` says which",
    ),
    "stale": (
        Mark.WARN,
        "uncertified: the code of the model has changed since its calibration; "
        "`tocsin models certify {model}` renews it",
    ),
    "none": (
        Mark.WARN,
        "uncertified: never tried in simulated worlds; `tocsin models certify {model}` does it",
    ),
}
METHODS = {
    "T0": "T0: kept draws, the clock or the evidence moved",
    "T1": "T1: kept draws, weighed anew",
    "T2": "T2: draws resampled and moved",
    "R1": "R1: new draws about the mode",
    "R2": "R2: new draws by NUTS",
    "conjugate": "closed form",
}


def checks_of(report: QuestionReport) -> tuple[Check, ...]:
    """Every check of the newest estimate, what failed first; none without an estimate."""
    estimate = report.estimate
    if estimate is None:
        return ()
    found = (
        _gates(report, estimate),
        *_age(report, estimate),
        *_prior(report, estimate),
        *_silence(report),
        *_level(report, estimate),
        *_findings(estimate),
        _certificate(estimate),
        *_audit(report.around.audit),
        *number_checks(estimate),
    )
    return tuple(sorted(found, key=lambda check: _ORDER.index(check.mark)))


def summary(checks: Sequence[Check]) -> str:
    """'5 of 6 checks pass; 1 warning: uncertified'; what could not be checked is left out."""
    counts = Counter(check.mark for check in checks)
    whole, passed = len(checks) - counts[Mark.OPEN], counts[Mark.PASS]
    if not whole:
        return "Nothing could be checked."
    said = "" if passed < whole else "All "
    said += f"{passed} of {whole} checks pass" if passed < whole else f"{whole} checks pass"
    for mark, noun in ((Mark.FAIL, "failure"), (Mark.WARN, "warning")):
        heads = dict.fromkeys(clean(c.head, 120) for c in checks if c.mark is mark)
        if heads:
            said += f"; {counted(counts[mark], noun)}: {', '.join(heads)}"
    return said + "."


def troubles_of(report: QuestionReport) -> tuple[str, ...]:
    """What fails or warns, in few words each."""
    bad = (c for c in checks_of(report) if c.mark in (Mark.FAIL, Mark.WARN))
    return tuple(dict.fromkeys(f"{c.verdict.partition(' ')[0]} {clean(c.head, 120)}" for c in bad))


def _gates(report: QuestionReport, estimate: Estimate) -> Check:
    reason = clean(estimate.reason, 300)
    since = day_words(report.held_since) if report.held_since else ""
    match estimate.health:
        case Health.HELD:
            words = f"held since {since}, the last good number stands: {reason}"
            return Check("gates", Mark.WARN, words)
        case Health.UNVERIFIED:
            words = f"unverified since {since}, no gate vouches for this number: {reason}"
            return Check("gates", Mark.FAIL, words)
        case _:
            return Check("gates", Mark.PASS, "the number passed every gate of its model")


def _age(report: QuestionReport, estimate: Estimate) -> list[Check]:
    """Whether a slot of its schedule went by without a newer estimate; of what is open."""
    around, age = report.around, age_words(estimate.as_of, report.now)
    if report.status is not Status.OPEN:
        return []
    if around.due is None:
        reason = "on no schedule: it is updated on news or by hand"
        return [Check("age", Mark.OPEN, reason, age)]
    bound = f"renewed by {instant_words(around.due)}"
    if around.due + PATIENCE < report.now:
        reason = (
            "overdue: the service is down, its schedule paused, or its updates fail; "
            "`tocsin runs` and `tocsin doctor` say which"
        )
        return [Check("age", Mark.WARN, reason, age, bound)]
    return [Check("age", Mark.PASS, "as new as its schedule makes it", age, bound)]


def _prior(report: QuestionReport, estimate: Estimate) -> list[Check]:
    """Whether beliefs were changed since the number was made; of what is open."""
    prior = report.prior
    made = estimate.prior_version  # 0 of what states none
    if report.status is not Status.OPEN or prior is None or not 0 < made < prior.version:
        return []
    reason = (
        f"older than version {prior.version} of the prior: the next update takes it in, "
        "`tocsin update` at once, a service at its next slot or on news"
    )
    return [Check("prior", Mark.WARN, reason, f"version {made}")]


def _silence(report: QuestionReport) -> list[Check]:
    """What the rules say that listen to sources and to the question's unit."""
    heard = report.around.heard
    silent = [one for one in heard if one.trouble]
    if not heard:
        return []
    if not silent:
        value = ", ".join(f"{one.kind} {clean(one.name, 40)}" for one in heard[:3])
        value += f" and {len(heard) - 3} more" if len(heard) > 3 else ""
        return [Check("what it hears", Mark.PASS, "nothing is silent or broken", value)]
    return [
        Check(
            "what it hears",
            Mark.WARN,
            f"{one.kind} {clean(one.name, 60)} is silent or broken: {clean(one.trouble, 200)}",
        )
        for one in silent
    ]


def _level(report: QuestionReport, estimate: Estimate) -> list[Check]:
    """Whether noise alone could put the number across a level that changes an alert.

    Of several that which noise reaches most easily, by the margin that its rule asks for.
    """
    lines = [
        (abs(estimate.probability - line), rule.z * estimate.mcse, line)
        for standing in report.standings
        for rule in [standing.rule]
        for line in [rule.clear_at if standing.is_firing else rule.fire_at]
    ]
    if not lines:
        return []
    gap, margin, line = min(lines, key=lambda found: found[0] - found[1])
    value = f"{points_of(gap)} from {percent(line)}"
    if margin == 0.0:
        reason = "nothing is simulated: no noise can put it on the other side of an alert level"
        return [Check("alert level", Mark.PASS, reason, value)]
    bound = f"more than {points_of(margin)}"
    if gap > margin:
        reason = "noise of the simulation cannot put it on the other side of an alert level"
        return [Check("alert level", Mark.PASS, reason, value, bound)]
    reason = (
        "too near an alert level: noise of the simulation alone could put it on the other side; "
        "the alert waits for a clear crossing"
    )
    return [Check("alert level", Mark.WARN, reason, value, bound)]


def _findings(estimate: Estimate) -> list[Check]:
    if not estimate.findings:
        return [Check("facts", Mark.PASS, "no fact contradicts another or had to be left out")]
    return [Check("facts", Mark.WARN, clean(finding, 300)) for finding in estimate.findings]


def _certificate(estimate: Estimate) -> Check:
    nothing = (Mark.OPEN, "its certificate was not looked up")
    mark, reason = _CERTIFICATES.get(estimate.certificate, nothing)
    return Check("certificate", mark, reason.format(model=clean(estimate.model, 60)))


def _audit(audit: Audit | None) -> list[Check]:
    if audit is None:
        reason = "never audited: a schedule of kind `audit` has NUTS answer it as well"
        return [Check("audit by NUTS", Mark.OPEN, reason)]
    mark, reason = {
        Verdict.AGREES: (Mark.PASS, "another method gives the same number"),
        Verdict.WARNS: (Mark.WARN, "another method gives a slightly different number"),
        Verdict.FAILS: (Mark.FAIL, "another method contradicts the number"),
    }.get(audit.verdict, (Mark.OPEN, "the two could not be compared"))
    if mark is not Mark.PASS and audit.reason:
        reason = f"{reason}: {clean(audit.reason, 200)}"
    error = "" if audit.z is None else f"{audit.z:.1f} standard errors apart, "
    value = f"{error}{day_words(audit.as_of)}"
    return [Check("audit by NUTS", mark, reason, value, f"at most {WARN:g}")]


def made_rows(estimate: Estimate) -> list[tuple[str, str]]:
    """How the estimate came about, as (name, words)."""
    method = METHODS.get(estimate.method, clean(estimate.method, 60))
    numbers = (
        check_words(clean(name, 60), value)
        for name, value in estimate.diagnostics.items()
        if not is_told(name)
    )
    return [
        ("Model", clean(estimate.model, 60)),
        ("Method", method),
        *(("Failed before it", clean(failed, 300)) for failed in estimate.escalation),
        *numbers,
        ("As of", f"{instant_words(estimate.as_of)}; only what was known before"),
        ("Digest of the inputs", clean(estimate.inputs_digest, 80)),
        ("Hash of the model", clean(estimate.model_hash, 80)),
    ]


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
