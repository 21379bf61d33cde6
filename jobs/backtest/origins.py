"""When forecasts are made, and when the model is fitted anew."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from forecast.backtest import BacktestTask, Refit
from forecast.clock import days_between, parse_instant
from forecast.words import parse_days

EPOCH = parse_instant("1970-01-01")
MONTHS = {"MS": 1, "QS": 3, "YS": 12}  # starts of months, quarters and years
LENGTHS = {"min": 1 / 1440, "h": 1 / 24, "d": 1.0, "w": 7.0}
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
REFIT_MONTHS: dict[Refit, int] = {"yearly": 12, "quarterly": 3, "monthly": 1}
LEAST_STEP, MOST_STEP = 1 / 1440, 36525  # days: a minute, and a century
_STARTS = re.compile(r"(\d{0,3})(MS|QS|YS)", re.IGNORECASE)
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)?\s*(min|h|d|w)", re.IGNORECASE)
_WEEKLY = re.compile(rf"(w)-({'|'.join(WEEKDAYS)})", re.IGNORECASE)


def to_days(moment: datetime) -> float:
    """Days since 1970-01-01 UTC."""
    return days_between(EPOCH, moment)


def from_days(days: float) -> datetime:
    """The inverse of `to_days`, to the microsecond."""
    return EPOCH + timedelta(days=days)


def step_of(every: str) -> float | int:
    """A length in days (float), or a number of months (int); ValueError for other words.

    >>> step_of("MS"), step_of("2MS"), step_of("6h"), step_of("W-MON"), step_of("2 weeks")
    (1, 2, 0.25, 7.0, 14.0)
    """
    if (match := _STARTS.fullmatch(every.strip())) and match[1] != "0":
        return int(match[1] or 1) * MONTHS[match[2].upper()]
    if _WEEKLY.fullmatch(every.strip()):
        return LENGTHS["w"]
    if match := _LENGTH.fullmatch(every.strip()):
        days = float(match[1] or 1) * LENGTHS[match[2].lower()]
    else:
        try:
            days = parse_days(every)
        except ValueError:
            raise ValueError(
                f"'{every}' is neither MS, QS or YS (starts of months, quarters or years) "
                "nor a length such as 6h or '7 days'"
            ) from None
    if not LEAST_STEP <= days <= MOST_STEP:
        raise ValueError(f"'{every}' is less than a minute, or more than a century")
    return days


def usual_step(every: str) -> float:
    """The usual number of days between origins."""
    step = step_of(every)
    return step * 365.25 / 12 if isinstance(step, int) else step


def origins(task: BacktestTask) -> list[float]:
    """The origins that are scored, in days since 1970: their whole window lies in the data."""
    second = 1 / 86400  # the last one of a day is its end
    last = to_days(task.data_end) - task.horizon_days + second
    found: list[float] = []
    for moment in _forward(task.score_start, task.every):
        if moment > task.score_end or to_days(moment) > last:
            return found
        found.append(to_days(moment))
    return found


def training_origins(task: BacktestTask, since: float) -> list[float]:
    """The same, backwards from the first scored one to the start of training or of the facts."""
    start = max(since, to_days(task.train_start) if task.train_start else -float("inf"))
    found = []
    for moment in _backward(task.score_start, task.every):
        if to_days(moment) < start:
            break
        found.append(to_days(moment))
    return found[::-1]


def refits(task: BacktestTask, until: float) -> list[float]:
    """When the model is fitted: at the first origin's start, then at each new year, quarter, ...

    Up to `until`, the last origin.
    """
    found = [to_days(task.score_start)]
    months = REFIT_MONTHS.get(task.refit)
    if months is None:
        return found
    moment = task.score_start
    while True:
        moment = _next_start(moment, months)
        if to_days(moment) > until:
            return found
        found.append(to_days(moment))


def _forward(start: datetime, every: str) -> Iterator[datetime]:
    step = step_of(every)
    if isinstance(step, int):
        moment = start if start == _start_of(start, 1) else _next_start(start, 1)
        if step in MONTHS.values() and moment != _start_of(moment, step):
            moment = _next_start(moment, step)  # quarters and years begin with the calendar's
        while True:
            yield moment
            moment = _months_later(moment, step)
    first = start + timedelta(days=_until_weekday(start, every))
    count = 0
    while True:
        yield first + timedelta(days=step * count)
        count += 1


def _until_weekday(start: datetime, every: str) -> int:
    """Days from a start to the first weekday that `every` names, where it names one."""
    match = _WEEKLY.fullmatch(every.strip())
    return 0 if match is None else (WEEKDAYS.index(match[2].lower()) - start.weekday()) % 7


def _backward(start: datetime, every: str) -> Iterator[datetime]:
    """What came before the first of `_forward`, the newest first."""
    step = step_of(every)
    first = next(_forward(start, every))
    count = 1
    while True:
        try:
            if isinstance(step, int):
                moment = _months_later(first, -step * count)
            else:
                moment = first - timedelta(days=step * count)
        except (ValueError, OverflowError):
            return  # the calendar begins with the year 1
        yield moment
        count += 1


def _start_of(moment: datetime, months: int) -> datetime:
    """The start of the month, quarter or year that a moment lies in."""
    month = (moment.month - 1) // months * months + 1
    return datetime(moment.year, month, 1, tzinfo=UTC)


def _next_start(moment: datetime, months: int) -> datetime:
    """The first start of a month, quarter or year after a moment."""
    return _months_later(_start_of(moment, months), months)


def _months_later(start: datetime, months: int) -> datetime:
    """The start of the month that comes so many months after one."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return datetime(year, month + 1, 1, tzinfo=UTC)
