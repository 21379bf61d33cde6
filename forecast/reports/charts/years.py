"""The record year by year: the score beside the strongest baseline's, and what was expected."""

from collections.abc import Callable, Sequence

from forecast.reports.backtest.figures import fixed, signed, whole
from forecast.reports.backtest.view import BacktestReport, Year
from forecast.reports.charts import svg
from forecast.reports.charts.axes import Label
from forecast.reports.charts.plane import Plane, columns, even_ticks, rows
from forecast.reports.charts.scale import Scale, spread

_LOSS, _GAIN = 222.0, 100.0
_EXPECTED = 232.0
_TOP = 32.0  # the title stands above


def loss_by_year(report: BacktestReport, key: str, width: float) -> str:
    """Log loss of model and baseline, and the gain as bars below; nothing for a single year."""
    years = report.years
    if len(years) < 2:
        return ""
    above, below = _panels(report, width)
    low, high = _reach(_losses(years))
    ticks = even_ticks(low, high, 5)
    above = _filled(above, Scale(low, high, above.bottom, above.top))
    ours = [above.place(n, year.scores.log_loss) for n, year in enumerate(years)]
    body = [svg.text(0, 14, "Log loss", "strong")]
    body += [*rows(above, ticks, [_plain(tick) for tick in ticks]), *_reference(years, above)]
    body += [svg.polyline(ours, "ours"), *(svg.dot(x, y, "dot", 3.5) for x, y in ours)]
    body += _named(report, above)
    body += _gains(report, below)
    height = _LOSS + 34
    if _has_gains(years):
        height += _GAIN
    else:
        body += _year_names(years, above)
    return svg.figure(key, width, height, "Log loss by year", describe_loss(report), body)


def expected_by_year(report: BacktestReport, key: str, width: float) -> str:
    """How many events were expected each year, and how many came; nothing for a single year."""
    years = report.years
    if len(years) < 2:
        return ""
    counts = [float(n) for y in years for n in (y.scores.expected, y.scores.events)]
    ticks = even_ticks(0.0, 1.06 * max(*counts, 1.0), 5)
    x = Scale(-0.5, len(years) - 0.5, 66.0, width - 96.0)
    top, bottom = _TOP, _EXPECTED - 30
    on = Plane(
        66.0, width - 96.0, top, bottom, x, Scale(0.0, 1.06 * max(*counts, 1.0), bottom, top)
    )
    expected = [on.place(n, year.scores.expected) for n, year in enumerate(years)]
    came = [on.place(n, float(year.scores.events)) for n, year in enumerate(years)]
    body = [svg.text(0, 14, "Events expected, and come", "strong")]
    body += [*rows(on, ticks, [whole(tick) for tick in ticks]), *_year_names(years, on)]
    body += [svg.line(*a, *b, "hair") for a, b in zip(expected, came, strict=True)]
    body += [svg.polyline(expected, "ours"), *(svg.diamond(x, y, "crowd", 4.5) for x, y in came)]
    body += _labels(
        [Label(expected[-1][1], "expected", "now"), Label(came[-1][1], "◇ came", "name")], on
    )
    title = "Events expected and come, by year"
    return svg.figure(key, width, _EXPECTED, title, describe_expected(report), body)


def describe_loss(report: BacktestReport) -> str:
    """Log loss by year in words."""
    digits = report.loss_places
    said = []
    for year in report.years:
        gain = "" if year.gain is None else f" (gain {signed(year.gain, digits)})"
        said.append(f"{year.name} {fixed(year.scores.log_loss, digits)}{gain}")
    against = f", and its gain over {report.strongest}" if report.strongest else ""
    return f"Log loss of the model by year{against}: " + ", ".join(said) + "."


def describe_expected(report: BacktestReport) -> str:
    """Events by year in words."""
    said = (
        f"{year.name} {fixed(year.scores.expected, 1)} and {whole(year.scores.events)}"
        for year in report.years
    )
    return "Events expected and come: " + ", ".join(said) + "."


def _panels(report: BacktestReport, width: float) -> tuple[Plane, Plane]:
    """The planes of losses and of gains; their heights are scaled later."""
    x = Scale(-0.5, len(report.years) - 0.5, 66.0, width - 96.0)
    blank = Scale(0.0, 1.0, 0.0, 1.0)
    above = Plane(66.0, width - 96.0, _TOP, _LOSS, x, blank)
    return above, Plane(66.0, width - 96.0, _LOSS + 24, _LOSS + _GAIN, x, blank)


def _filled(on: Plane, y: Callable[[float], float]) -> Plane:
    return Plane(on.left, on.right, on.top, on.bottom, on.x, y)


def _losses(years: Sequence[Year]) -> list[float]:
    found = [year.scores.log_loss for year in years]
    return found + [year.reference.log_loss for year in years if year.reference]


def _reach(values: Sequence[float]) -> tuple[float, float]:
    """The range of the values with some room, down to 0 where that is near."""
    low, high = min(values), max(values)
    slack = 0.12 * (high - low) or 0.1 * high or 0.1
    return (0.0 if low < 0.4 * high else max(low - slack, 0.0)), high + slack


def _reference(years: Sequence[Year], on: Plane) -> list[str]:
    known = [(n, year.reference.log_loss) for n, year in enumerate(years) if year.reference]
    places = [on.place(float(n), loss) for n, loss in known]
    return [svg.polyline(places, "wider"), *(svg.square(x, y, "wider-end", 3) for x, y in places)]


def _named(report: BacktestReport, on: Plane) -> list[str]:
    last = report.years[-1]
    labels = [Label(on.y(last.scores.log_loss), "model", "now")]
    if last.reference and report.strongest:
        labels.append(Label(on.y(last.reference.log_loss), f"■ {_short(report.strongest)}", "tick"))
    return _labels(labels, on)


def _labels(labels: Sequence[Label], on: Plane) -> list[str]:
    places = spread([label.y for label in labels], 16.0, on.top, on.bottom)
    return [
        svg.text(on.right + 8, y + 4, label.words, label.css)
        for label, y in zip(labels, places, strict=True)
    ]


def _has_gains(years: Sequence[Year]) -> bool:
    return any(year.gain is not None for year in years)


def _gains(report: BacktestReport, on: Plane) -> list[str]:
    """Bars up where the model was better, hollow ones down where it was not."""
    gains = [year.gain for year in report.years]
    known = [gain for gain in gains if gain is not None]
    if not known:
        return []
    low, high = min([0.0, *known]), max([0.0, *known])
    on = _filled(
        on, Scale(low, high, on.bottom, on.top) if high > low else Scale(-1, 1, on.bottom, on.top)
    )
    half = 0.32 * (on.x(1.0) - on.x(0.0))
    marks = [svg.line(on.left, on.y(0.0), on.right, on.y(0.0), "axis")]
    for n, gain in enumerate(gains):
        if gain:
            (x, y), zero = on.place(float(n), gain), on.y(0.0)
            shape = [(x - half, zero), (x - half, y), (x + half, y), (x + half, zero)]
            marks.append(svg.polygon(shape, "raise" if gain > 0 else "lower"))
    ends = [end for end in (high, low) if end]
    marks += [
        svg.text(on.left - 8, on.y(e) + 4, signed(e, report.loss_places), "tick", "end")
        for e in ends
    ]
    marks += _labels([Label(on.y(0.0), "gain", "tick")], on)
    return [*marks, *_year_names(report.years, on)]


def _year_names(years: Sequence[Year], on: Plane) -> list[str]:
    """As many as have room."""
    step = max(1, -(-len(years) * 40 // int(on.right - on.left)))
    shown = list(range(len(years) - 1, -1, -step))[::-1]
    return columns(on, [float(n) for n in shown], [years[n].name for n in shown])


def _plain(value: float) -> str:
    return f"{value:.4g}"


def _short(name: str, limit: int = 12) -> str:
    return name if len(name) <= limit else name[: limit - 1] + "…"
