"""A page that stands alone: styles and charts inside, no script, nothing fetched.

Jinja2 is imported inside the functions. Every value that enters a page is escaped by it; only
our own SVG and style sheets, which escape for themselves, are marked as safe.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Any

from forecast.clock import format_instant
from forecast.likelihood import percent
from forecast.reports import phrases
from forecast.reports.charts import NARROW, WIDE

_PLAIN = frozenset(ascii_letters + digits + " ,.-")

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def render(
    environment: Environment,
    template: str,
    styles: Sequence[str] = ("report.css",),
    foot: str = "",
    **values: Any,
) -> str:
    """The template with its values; its policy allows the named style sheets and nothing else.

    On paper `foot` stands at the foot of every page.
    """
    folder = files("forecast.reports").joinpath("templates")
    css = "".join(folder.joinpath(name).read_text(encoding="utf-8") for name in styles)
    css += f'@media print {{ @page {{ @bottom-left {{ content: "{css_string(foot)}"; }} }} }}\n'
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    page = environment.get_template(template)
    return page.render(css=safe(css), css_digest=digest, **values)


def css_string(text: str) -> str:
    r"""Other people's text inside a string of a style sheet: all but plain letters by number.

    >>> print(css_string('<"a".'))
    \00003c \000022 a\000022 .
    """
    plain = phrases.clean(text, 200)
    return "".join(c if c in _PLAIN else f"\\{ord(c):06x} " for c in plain)


def both(draw: Callable[[str, float], str], key: str) -> dict[str, Markup]:
    """The wide and the narrow drawing of a chart; the style sheet shows one of them."""
    drawn = {"wide": draw(f"{key}-wide", WIDE), "narrow": draw(f"{key}-narrow", NARROW)}
    return {size: safe(svg) for size, svg in drawn.items() if svg}


def safe(text: str) -> Markup:
    """Text of our own making, which has escaped what came from others."""
    from markupsafe import Markup

    return Markup(text)


def environment(
    filters: Mapping[str, Callable[..., Any]],
    names: Mapping[str, Any],
    packages: Sequence[str] = ("forecast.reports",),
) -> Environment:
    """The templates of some packages, with the words that every page needs and the given ones."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=ChoiceLoader([PackageLoader(package, "templates") for package in packages]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "clamp": phrases.clean,
        "counted": phrases.counted,
        "day": phrases.day_words,
        "instant": phrases.instant_words,
        "iso": format_instant,
        "percent": percent,
        **filters,
    }
    found.globals |= names
    return found


def _shown(value: Any) -> Any:
    """Other people's text cleaned and clamped; a per cent sign stays with its number."""
    from markupsafe import Markup

    if isinstance(value, str) and not isinstance(value, Markup):
        return phrases.clean(value).replace(" %", "\u00a0%")
    return value
