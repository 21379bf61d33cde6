"""The opening sentence: what a reader takes away who reads nothing else."""

from forecast.backtest import Backtest
from forecast.reports.backtest.figures import (
    bounded,
    fixed,
    gain_words,
    span_words,
    whole,
)
from forecast.reports.backtest.view import BacktestReport
from forecast.reports.phrases import clean, counted, day_words
from forecast.scoring.results import Gain, Verdict

_SURE = {
    "better": "which is sure",
    "worse": "which is surely a loss",
    "not sure": "which is not yet sure",
    "too few blocks": "in too few stretches of time to say how sure that is",
}


def opening(report: BacktestReport) -> str:
    """The record in one to three sentences, words and numbers together."""
    backtest = report.backtest
    if not backtest.scores.n:
        task = backtest.task
        between = f"from {day_words(task.score_start)} to {day_words(task.score_end)}"
        return f"There was nothing to score {between}: no unit was at risk at any origin."
    parts = [_record(report), _gain(report), _calibration(backtest)]
    return "; ".join(part for part in parts if part) + "." + _leak(backtest) + _gate(backtest)


def span_of(report: BacktestReport) -> str:
    """How long the record is, from the first origin to the end of the last window."""
    task, origins = report.backtest.task, report.forecasts.origin
    if len(origins):
        return span_words(float(origins[-1] - origins[0]) + task.horizon_days)
    return span_words((task.score_end - task.score_start).days + task.horizon_days)


def rank_words(report: BacktestReport) -> str:
    """Where the model stands among its baselines by log loss."""
    backtest, ours = report.backtest, report.backtest.scores.log_loss
    if not report.ranked:
        return "with no baseline beside it"
    ahead = [name for name in report.ranked if backtest.baselines[name].log_loss <= ours]
    if not ahead:
        return "better than every baseline"
    best = backtest.baselines[report.ranked[0]].log_loss
    hardest = f"{clean(report.ranked[0], 60)} has {fixed(best, report.loss_places)}"
    if len(ahead) == len(report.ranked):
        return f"no better than any baseline ({hardest})"
    behind = len(report.ranked) - len(ahead)
    return f"better than {behind} of {len(report.ranked)} baselines ({hardest})"


def sure_words(gain: Gain) -> str:
    """How sure a gain is, as the end of a sentence."""
    return _SURE[gain_words(gain)]


def _record(report: BacktestReport) -> str:
    found = report.backtest.scores
    loss = fixed(found.log_loss, report.loss_places)
    over = f"Over {span_of(report)} and {whole(found.n)} forecast{'' if found.n == 1 else 's'}"
    return f"{over} the model's log loss is {loss}, {rank_words(report)}"


def _gain(report: BacktestReport) -> str:
    if report.skill is None or report.strongest is None:
        return ""
    gain = report.skill.brier
    against = f"against {clean(report.strongest, 60)} the Brier gain is"
    return f"{against} {bounded(gain, report.brier_places)}, {sure_words(gain)}"


def _calibration(backtest: Backtest) -> str:
    found = backtest.scores
    came = f"{fixed(found.expected, 1)} events were expected and {whole(found.events)} came"
    return {
        Verdict.CALIBRATED: "calibrated as far as can be told",
        Verdict.MISCALIBRATED: f"miscalibrated: {came}",
        Verdict.TOO_FEW: "too few events to tell whether it is calibrated",
    }[backtest.calibration.verdict]


def counted_events(events: int) -> str:
    """'1 event', '11,448 events'."""
    return counted(events, "event").replace(str(events), whole(events), 1)


def _leak(backtest: Backtest) -> str:
    check = backtest.leak_check
    if check is None or check.passed:
        return ""
    if check.changed:
        return " THE LEAK CHECK FAILED: something here knows the future, so trust none of it."
    return " The leak check planted nothing, so it proves nothing."


def _gate(backtest: Backtest) -> str:
    if backtest.published == "model":
        return ""
    return f" The gate would publish {clean(backtest.published, 60)} instead."
