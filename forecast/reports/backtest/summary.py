"""Several backtests on one page: a line each, before their details."""

from collections.abc import Sequence

from forecast.backtest import LeakCheck
from forecast.reports.backtest.figures import NOTHING, fixed, gain_words, marked, whole
from forecast.reports.backtest.view import BacktestReport
from forecast.reports.phrases import clean
from forecast.reports.table import Column, Table
from forecast.scoring.results import Verdict

_VERDICTS = {
    Verdict.CALIBRATED: "✓ holds",
    Verdict.MISCALIBRATED: "✗ fails",
    Verdict.TOO_FEW: "‖ too few",
}


def summary_table(reports: Sequence[BacktestReport]) -> Table:
    """A row a task: its scores beside those of its strongest baseline, and what was found."""
    columns = (
        Column("task", is_number=False),
        Column("events", rank=3),
        Column("log loss"),
        Column("best baseline", rank=1),
        Column("Brier gain"),
        Column("calibration", is_number=False, rank=4),
        Column("leak check", is_number=False, rank=2),
        Column("published", is_number=False, rank=5),
    )
    return Table(columns, tuple(_cells(report) for report in reports))


def summary_sentence(reports: Sequence[BacktestReport]) -> str:
    """How many of the tasks beat every baseline, and how many of those surely."""
    scored = [r for r in reports if r.backtest.scores.n and r.strongest]
    losses = [(r.backtest.scores.log_loss, r.backtest.baselines[r.ranked[0]]) for r in scored]
    ahead = sum(ours < best.log_loss for ours, best in losses)
    sure = sum(r.skill is not None and gain_words(r.skill.brier) == "better" for r in scored)
    won, surely = (_of_them(count, len(reports)) for count in (ahead, sure))
    return (
        f"{len(reports)} tasks: the model's log loss beats every baseline on {won}, and its Brier "
        f"gain over the strongest one is surely above zero on {surely}."
    )


def _of_them(count: int, tasks: int) -> str:
    if count == tasks:
        return "both of them" if tasks == 2 else "all of them"
    return f"{count or 'none'} of them"


def leak_mark(check: LeakCheck | None) -> str:
    """The leak check in a word."""
    if check is None:
        return "‖ not run"
    if check.passed:
        return "✓ passed"
    return "✗ FAILED" if check.changed else "‖ nothing planted"


def _cells(report: BacktestReport) -> tuple[str, ...]:
    backtest, found = report.backtest, report.backtest.scores
    best = backtest.baselines[report.strongest].log_loss if report.strongest else None
    gain = report.skill.brier if report.skill else None
    return (
        clean(backtest.task.name, 80),
        f"{whole(found.events)} of {whole(found.n)}",
        fixed(found.log_loss, report.loss_places),
        f"{clean(report.strongest or '', 40)} {fixed(best, report.loss_places)}".strip(),
        marked(gain, report.brier_places) if gain else NOTHING,
        _VERDICTS[backtest.calibration.verdict],
        leak_mark(backtest.leak_check),
        clean(backtest.published, 40),
    )
