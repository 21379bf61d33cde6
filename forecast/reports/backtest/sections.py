"""The scores of a backtest as sections: beside its baselines, calibration, years and alerts."""

from forecast.reports.backtest.figures import (
    NOTHING,
    fixed,
    interval,
    lead_words,
    level,
    marked,
    mass_words,
    share,
    signed,
    whole,
)
from forecast.reports.backtest.opening import counted_events
from forecast.reports.backtest.record import record_sections
from forecast.reports.backtest.view import BacktestReport
from forecast.reports.phrases import clean
from forecast.reports.table import Column, Section, Table
from forecast.scoring.results import AlertScore, Calibration, ReliabilityPoint, Scores

MOVED = 2.0  # standard errors from which belief movement is spoken of


def sections(report: BacktestReport) -> tuple[Section, ...]:
    """The whole report below its opening, in the order of every format."""
    if not report.backtest.scores.n:
        return record_sections(report)
    found = (
        _scores(report),
        _skill(report),
        _calibration(report),
        _years(report),
        _alerts(report),
        _first_alert(report),
        *record_sections(report),
    )
    return tuple(section for section in found if section is not None)


def _scores(report: BacktestReport) -> Section:
    backtest = report.backtest
    found = backtest.scores
    rate = share(found.events / found.n, 2)
    words = (
        f"{counted_events(found.events)} in {whole(found.n)} forecasts ({rate}); the model "
        f"expected {fixed(found.expected, 1)}.",
        "Lower is better for Brier score and log loss, higher for AUC and average precision (AP).",
    )
    columns = (
        Column("forecast", is_number=False),
        Column("log loss"),
        Column("Brier"),
        Column("AUC"),
        Column("AP", rank=1),
        Column("expected", rank=2),
    )
    named = [(f"model ({clean(backtest.task.model, 40)})", found)]
    named += [(clean(name, 60), backtest.baselines[name]) for name in report.ranked]
    rows = tuple((name, *_score_cells(report, each)) for name, each in named)
    return Section("scores", "Scores", words, table=Table(columns, rows, marked=0))


def _score_cells(report: BacktestReport, found: Scores) -> tuple[str, ...]:
    return (
        fixed(found.log_loss, report.loss_places),
        fixed(found.brier, report.brier_places),
        fixed(found.auc, 3),
        fixed(found.average_precision, 3),
        fixed(found.expected, 1),
    )


def _skill(report: BacktestReport) -> Section | None:
    skills = report.backtest.skill
    names = [name for name in report.ranked if name in skills]
    names += [name for name in skills if name not in names]
    if not names:
        return None
    mass = mass_words(skills[names[0]].brier)
    words = (
        f"The baseline's score less the model's: above zero the model is better. {mass} intervals "
        f"from a bootstrap over {skills[names[0]].brier.blocks} stretches of time. "
        "● surely better, ○ not sure, ▼ surely worse.",
    )
    columns = (
        Column("against", is_number=False),
        Column("Brier gain"),
        Column(f"{mass} interval", rank=1),
        Column("share", rank=3),
        Column("log-loss gain", rank=2),
        Column(f"{mass} interval", rank=4),
    )
    rows = tuple(_skill_cells(report, name) for name in names)
    return Section("skill", "Gain over each baseline", words, table=Table(columns, rows))


def _skill_cells(report: BacktestReport, name: str) -> tuple[str, ...]:
    found = report.backtest.skill[name]
    brier, loss = found.brier, found.log_loss
    return (
        clean(name, 60),
        marked(brier, report.brier_places),
        interval(brier.lower, brier.upper, report.brier_places),
        f"{signed(100 * found.share, 1)} %",
        marked(loss, report.loss_places),
        interval(loss.lower, loss.upper, report.loss_places),
    )


def _calibration(report: BacktestReport) -> Section:
    backtest = report.backtest
    found, scores = backtest.calibration, backtest.scores
    digits, fine = report.brier_places, report.share_places
    words = (
        clean(found.words, 500),
        f"Brier {fixed(scores.brier, digits)} = miscalibration {fixed(found.mcb, digits)} "
        f"− discrimination {fixed(found.dsc, digits)} + uncertainty {fixed(found.unc, digits)}.",
        _movement(backtest.movement_z),
    )
    columns = (
        Column("forecast (mean)"),
        Column("came true"),
        Column("forecasts"),
        Column("where it would lie, calibrated", rank=1),
    )
    rows = tuple(
        (share(p.forecast, fine), share(p.observed, fine), whole(p.n), _band(p, fine))
        for p in found.points
    )
    table = Table(columns, rows) if rows else None
    return Section("calibration", "Calibration", words, _tests(found, digits), table, folded=True)


def _band(point: ReliabilityPoint, decimals: int) -> str:
    if point.lower is None or point.upper is None:
        return NOTHING
    return f"{share(point.lower, decimals)} to {share(point.upper, decimals)}"


def _tests(found: Calibration, digits: int) -> tuple[tuple[str, str], ...]:
    return (
        ("verdict", found.verdict.value),
        ("miscalibration (MCB)", fixed(found.mcb, digits)),
        ("discrimination (DSC)", fixed(found.dsc, digits)),
        ("uncertainty (UNC)", fixed(found.unc, digits)),
        ("Spiegelhalter z", _tested(found.spiegelhalter_z, found.spiegelhalter_p)),
        ("likelihood ratio", _tested(found.likelihood_ratio, found.likelihood_ratio_p)),
        ("intercept, 0 is ideal", fixed(found.intercept, 2)),
        ("slope, 1 is ideal", fixed(found.slope, 2)),
        ("power of the test", share(found.power, 0)),
    )


def _tested(statistic: float | None, p: float | None) -> str:
    if statistic is None:
        return NOTHING
    return fixed(statistic, 2) + (f" (p = {fixed(p, 3)})" if p is not None else "")


def _movement(z: float | None) -> str:
    if z is None:
        return "Whether beliefs moved too much on their way cannot be told from these forecasts."
    found = f"(martingale test, z = {signed(z, 1)})"
    if abs(z) < MOVED:
        return f"On their way beliefs moved as much as the uncertainty that they took away {found}."
    much = "more than what they learnt: they overreact" if z > 0 else "less: they react late"
    return f"On their way beliefs moved {much} {found}."


def _years(report: BacktestReport) -> Section | None:
    if not report.years:
        return None
    against = clean(report.strongest or "", 40)
    columns = [
        Column("year", is_number=False),
        Column("forecasts", rank=3),
        Column("events"),
        Column("expected", rank=1),
        Column("Brier", rank=4),
        Column("log loss"),
    ]
    columns += [Column(f"{against}'s", rank=2), Column("gain")] if against else []
    rows = []
    for year in report.years:
        found = year.scores
        cells = [clean(year.name, 20), whole(found.n), whole(found.events)]
        cells += [fixed(found.expected, 1), fixed(found.brier, report.brier_places)]
        cells.append(fixed(found.log_loss, report.loss_places))
        if against:
            reference = year.reference.log_loss if year.reference else None
            cells.append(fixed(reference, report.loss_places))
            cells.append(signed(year.gain, report.loss_places))
        rows.append(tuple(cells))
    words = _years_words(report, against)
    return Section("years", "By year", words, table=Table(tuple(columns), tuple(rows)), folded=True)


def _years_words(report: BacktestReport, against: str) -> tuple[str, ...]:
    gains = [year.gain for year in report.years if year.gain is not None]
    if not gains:
        return ()
    ahead = sum(gain > 0 for gain in gains)
    return (f"By log loss ahead of {against} in {ahead} of {len(gains)} years.",)


def _alerts(report: BacktestReport) -> Section | None:
    lines, line = report.lines, report.line
    if line is None:
        return None
    if not lines:
        lowest = min(a.fire_at for a in report.backtest.alerts)
        return Section("alerts", "Alerts", (f"At {level(lowest)} and above nothing ever rang.",))
    columns = (
        Column("fires, clears", is_number=False),
        Column("episodes", rank=3),
        Column("hits"),
        Column("misses", rank=2),
        Column("false alarms"),
        Column("per 100 weeks", rank=4),
        Column("precision", rank=1),
        Column("recall", rank=1),
        Column("lead days", rank=5),
        Column("changes a year", rank=6),
        Column("value"),
    )
    table = Table(columns, tuple(_alert_cells(a) for a in lines), marked=lines.index(line))
    words = (alert_words(line) + _silent(report), _ALERT_NOTE)
    return Section("alerts", "Alerts", words, table=table)


def _silent(report: BacktestReport) -> str:
    """From which line on nothing rang."""
    highest = report.lines[-1].fire_at
    silent = [a.fire_at for a in report.backtest.alerts if a.fire_at > highest]
    return f" At {level(min(silent))} and above nothing ever rang." if silent else ""


_ALERT_NOTE = (
    "An episode is one stretch of ringing at one unit. Episodes and events are matched one to one: "
    "an episode with its event is a hit, one without is a false alarm, an event without is a miss. "
    "Lead days are from ring to event: the median, and 10 to 90 % of them in brackets. "
    "The value is that of acting during episodes, where acting costs as large a share of an "
    "unprepared event as the line says: 1 is perfect, 0 no better than the base rate."
)


def alert_words(a: AlertScore) -> str:
    """The alert line that is spoken of, as a sentence."""
    best = "" if a.value is None else f" has the highest value, {fixed(a.value, 2)}"
    lead = f"; lead {lead_words(a.lead_days)}, median and 10 to 90 %" if a.lead_days else ""
    return (
        f"Firing at {level(a.fire_at)} and clearing at {level(a.clear_at)}{best}: "
        f"{whole(a.episodes)} episodes, {whole(a.hits)} hits, {whole(a.misses)} misses, "
        f"{whole(a.false_alarms)} false alarms ({fixed(a.false_alarms_per_100_weeks, 2)} per 100 "
        f"question-weeks){lead}."
    )


def _alert_cells(a: AlertScore) -> tuple[str, ...]:
    return (
        f"{level(a.fire_at)}, {level(a.clear_at)}",
        whole(a.episodes),
        whole(a.hits),
        whole(a.misses),
        whole(a.false_alarms),
        fixed(a.false_alarms_per_100_weeks, 2),
        share(a.precision),
        share(a.recall),
        lead_words(a.lead_days).removesuffix(" days"),
        fixed(a.flip_flops, 2),
        fixed(a.value, 2),
    )


def _first_alert(report: BacktestReport) -> Section | None:
    found = report.backtest.first_alert
    if not found:
        return None
    columns = (
        Column("line", is_number=False),
        Column("forecast (mean)"),
        Column("came true"),
        Column("episodes"),
    )
    rows = tuple((level(at), share(p), share(came), whole(n)) for at, p, came, n in found)
    words = (
        "What was forecast when an alert began, and how often it then came true. A calibrated "
        "forecast is right there too: as many come true as it says.",
    )
    return Section("first-alert", "When an alert begins", words, table=Table(columns, rows))
