"""How a backtest came about, as sections: the gate, the leak check, refits and the run itself."""

import math
from collections.abc import Sequence
from itertools import groupby

from forecast.backtest import Backtest, FitNote, LeakCheck
from forecast.reports.backtest.figures import (
    bounded,
    days_words,
    fixed,
    whole,
)
from forecast.reports.backtest.opening import sure_words
from forecast.reports.backtest.view import BacktestReport
from forecast.reports.phrases import clean, counted, day_words, instant_words
from forecast.reports.table import Column, Section, Table

_REMARKS = 10
_EVERY = {"MS": "the first of each month", "D": "every day", "W": "every week"}


def record_sections(report: BacktestReport) -> tuple[Section, ...]:
    """What stands below the scores."""
    found = (
        _published(report),
        Section("leak", "Leak check", (leak_words(report.backtest.leak_check),)),
        _compared(report),
        _fits(report),
        _findings(report),
        _run(report),
    )
    return tuple(section for section in found if section is not None)


def leak_words(check: LeakCheck | None) -> str:
    """Pass or fail, and what was tried, as a sentence."""
    if check is None:
        return "‖ Not run: whether the walk looks ahead is not proven here."
    many = "row known only later was" if check.planted == 1 else "rows known only later were"
    tried = f"{whole(check.planted)} {many} planted after {counted(check.origins, 'origin')}"
    if check.passed:
        return f"✓ Passed: {tried}, and not one forecast changed."
    if check.planted == 0:
        return "‖ Proves nothing: there was nothing that could be planted."
    return f"✗ FAILED: {tried}, and {counted(check.changed, 'forecast')} changed."


def _published(report: BacktestReport) -> Section | None:
    backtest = report.backtest
    if not backtest.gate and backtest.published == "model":
        return None
    name = "the model" if backtest.published == "model" else clean(backtest.published, 60)
    instead = "" if backtest.published == "model" else " instead of the model"
    words = f"The gate would publish {name}{instead}."
    why = clean(backtest.gate, 500).rstrip(".")
    said = (words, f"{why[:1].upper()}{why[1:]}.") if why else (words,)
    return Section("published", "What is published", said)


def _compared(report: BacktestReport) -> Section | None:
    found = report.backtest.compared
    if found is None:
        return None
    words = f"Run {clean(found.run_id, 60)} of {instant_words(found.made_at)}."
    return Section("compared", "Against an earlier run", (words, compared_words(report)))


def compared_words(report: BacktestReport) -> str:
    """What was gained over the earlier run, as a sentence; nothing without one."""
    found = report.backtest.compared
    if found is None:
        return ""
    brier, loss = found.skill.brier, found.skill.log_loss
    return (
        f"On {whole(found.rows)} rows that both forecast the Brier gain over it is "
        f"{bounded(brier, report.brier_places)}, {sure_words(brier)}; the log-loss gain is "
        f"{bounded(loss, report.loss_places)}, {sure_words(loss)}."
    )


def _fits(report: BacktestReport) -> Section | None:
    fits = report.backtest.fits
    if not fits:
        return None
    khats = [fit.khat for fit in fits if fit.khat is not None and math.isfinite(fit.khat)]
    noted = sum(bool(fit.findings) for fit in fits)
    words = (
        f"{counted(len(fits), 'refit')} in {fixed(sum(fit.seconds for fit in fits), 1)} s"
        + (f", the largest k-hat {fixed(max(khats), 2)}" if khats else "")
        + (f"; {noted} with findings." if noted else "; nothing to remark.")
    )
    columns = (
        Column("as of", is_number=False),
        *([Column("k-hat")] if khats else []),
        Column("seconds"),
        Column("findings"),
    )
    rows = tuple(
        (
            day_words(fit.as_of),
            *([fixed(fit.khat, 2)] if khats else []),
            fixed(fit.seconds, 1),
            whole(len(fit.findings)),
        )
        for fit in fits
    )
    said = (words, *_remarks(fits))
    return Section("fits", "Refits", said, table=Table(columns, rows), folded=True)


def _remarks(fits: Sequence[FitNote]) -> list[str]:
    """What refits found, once for each stretch of them that found the same."""
    found = []
    for findings, stretch in groupby(fits, key=lambda fit: fit.findings):
        dates = [day_words(fit.as_of) for fit in stretch]
        when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
        if findings:
            found.append(f"{when}: {' '.join(clean(finding, 300) for finding in findings)}")
    more = len(found) - _REMARKS
    return found if more <= 0 else [*found[:_REMARKS], f"And {counted(more, 'more stretch')}."]


def _findings(report: BacktestReport) -> Section | None:
    words = tuple(clean(finding, 500) for finding in report.backtest.findings)
    return Section("findings", "Findings", words) if words else None


def _run(report: BacktestReport) -> Section:
    backtest = report.backtest
    task = backtest.task
    facts = (
        ("forecast", f"{clean(task.definition, 80)} within {days_words(task.horizon_days)}"),
        ("at", f"{_every(task.every)}, {whole(backtest.origins)} origins"),
        ("between", f"{day_words(task.score_start)} and {day_words(task.score_end)}"),
        ("units", f"{whole(backtest.units)}, {_risk(report)}"),
        ("refitted", clean(task.refit, 20)),
        ("data end", day_words(task.data_end)),
        ("run", clean(backtest.run_id, 80)),
        ("made", f"{instant_words(backtest.made_at)}, in {fixed(backtest.seconds, 1)} s"),
        ("seed", str(backtest.seed)),
        ("model", f"{clean(task.model, 40)}, {_hash(backtest)}"),
        ("digest", clean(backtest.digest, 80)),
    )
    return Section("run", "The run", facts=facts)


def _hash(backtest: Backtest) -> str:
    """The hash alone, where it is written after the name of the family."""
    return clean(backtest.model_hash.removeprefix(f"{backtest.task.model}:"), 80)


def _every(every: str) -> str:
    return _EVERY.get(every, f"every {clean(every, 40)}")


def _risk(report: BacktestReport) -> str:
    task = report.backtest.task
    known = "from their first row on" if task.units == "seen" else "always"
    once = ", until their event" if task.at_risk == "until-event" else ""
    quiet = f", {days_words(task.quiet_days)} after an event" if task.quiet_days else ""
    return f"at risk {known}{once}{quiet}"
