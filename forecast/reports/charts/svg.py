"""SVG elements as escaped text."""

from collections.abc import Iterable
from html import escape

from forecast.reports.phrases import clean

Point = tuple[float, float]


def element(name: str, *children: str, **attributes: str | float) -> str:
    """One element; `children` are SVG already, attribute values are escaped.

    `css` is written as class, `view_box` as viewBox, and `_` as a hyphen elsewhere.

    >>> element("line", x1=0, y1=2.5, css="axis")
    '<line x1="0" y1="2.5" class="axis"/>'
    """
    names = {"css": "class", "view_box": "viewBox"}
    written = "".join(
        f' {names.get(key, key.replace("_", "-"))}="{_value(value)}"'
        for key, value in attributes.items()
        if value != ""
    )
    inside = "".join(children)
    return f"<{name}{written}>{inside}</{name}>" if inside else f"<{name}{written}/>"


def _value(value: str | float) -> str:
    return escape(value) if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")


def text(x: float, y: float, words: str, css: str = "", anchor: str = "start") -> str:
    """Words with their baseline at y; a space before a per cent sign never breaks."""
    words = clean(words, 200).replace(" %", "\u00a0%")
    return element("text", escape(words), x=x, y=y, css=css, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, css=css)


def polyline(points: Iterable[Point], css: str) -> str:
    """An open line through the points."""
    return element("polyline", points=_points(points), css=css)


def polygon(points: Iterable[Point], css: str) -> str:
    """A closed shape through the points."""
    return element("polygon", points=_points(points), css=css)


def _points(points: Iterable[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def dot(x: float, y: float, css: str, r: float = 4) -> str:
    """A circle."""
    return element("circle", cx=x, cy=y, r=r, css=css)


def diamond(x: float, y: float, css: str, r: float = 5) -> str:
    """A square on its corner."""
    return polygon([(x - r, y), (x, y - r), (x + r, y), (x, y + r)], css)


def square(x: float, y: float, css: str, r: float = 4) -> str:
    """A square around (x, y)."""
    return element("rect", x=x - r, y=y - r, width=2 * r, height=2 * r, css=css)


def triangle(x: float, y: float, css: str, up: bool = True, r: float = 6) -> str:
    """A triangle that points up or down."""
    tip = -r if up else r
    return polygon([(x - r, y - tip * 0.7), (x, y + tip), (x + r, y - tip * 0.7)], css)


def figure(
    key: str, width: float, height: float, title: str, desc: str, body: Iterable[str]
) -> str:
    """A whole chart; `key` is unique on the page, title and description tell what it shows."""
    return element(
        "svg",
        element("title", escape(clean(title, 300)), id=f"{key}-title"),
        element("desc", escape(clean(desc, 1000)), id=f"{key}-desc"),
        *body,
        view_box=f"0 0 {width:.0f} {height:.0f}",
        role="img",
        aria_labelledby=f"{key}-title {key}-desc",
    )
