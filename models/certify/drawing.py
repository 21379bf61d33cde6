"""The picture of a certificate: for each quantity, how far its ranks are from uniform.

Small multiples of the empirical distribution less the uniform's, with the band within which
the whole curve of a right posterior stays in 99 of 100 runs.
"""

from collections.abc import Sequence

from forecast.reports.charts.svg import element, line, polygon, polyline, text
from models.certify.harness import Replicate
from models.certify.ranks import Array, ecdf_difference, simultaneous_band

COLUMNS, WIDTH, HEIGHT = 4, 180.0, 120.0
INSET, TITLE, LEGEND = 12.0, 22.0, 34.0
LIMIT = 1.6  # of the band's largest half-width: what lies outside is drawn at the edge
STYLE = """
svg { color: #1d2733; background: #fff; font: 11px system-ui, sans-serif }
@media (prefers-color-scheme: dark) { svg { color: #dde4ec; background: #10161d } }
text { fill: currentColor } .head { font-weight: 600 }
.band { fill: currentColor; opacity: .14 } .zero { stroke: currentColor; opacity: .5 }
.curve { fill: none; stroke: currentColor; stroke-width: 1.5 }
.outside { stroke: #c7361b; stroke-width: 2 }
"""


def draw(family: str, found: Sequence[Replicate]) -> str:
    """An SVG document that stands alone, in light and in dark."""
    kept = [r for r in found if r.places]
    names = list(dict.fromkeys(name for r in kept for name in r.places))
    head = f"{family}: ranks of the truth in {len(kept)} simulated worlds"
    panels = [
        _panel(place, name, [r.places[name] for r in kept if name in r.places])
        for place, name in enumerate(names)
    ]
    rows = -(-len(names) // COLUMNS)
    width, height = COLUMNS * WIDTH, LEGEND + rows * HEIGHT + INSET
    note = "Empirical distribution of the ranks less the uniform; shaded: where 99 % of right"
    return element(
        "svg",
        f"<style>{STYLE}</style>",
        text(INSET, 16, head, "head"),
        text(INSET, 30, f"{note} posteriors stay, whole curve" if names else "Nothing was ranked"),
        *panels,
        xmlns="http://www.w3.org/2000/svg",
        view_box=f"0 0 {width:.0f} {height:.0f}",
        role="img",
        aria_label=head,
    )


def _panel(place: int, name: str, places: Sequence[float]) -> str:
    row, column = divmod(place, COLUMNS)
    left, top = column * WIDTH + INSET, LEGEND + row * HEIGHT + TITLE
    width, height = WIDTH - 2 * INSET, HEIGHT - TITLE - INSET
    grid, above = ecdf_difference(places)
    low, high = simultaneous_band(len(places))
    scale = LIMIT * float(max(high.max(), -low.min()))

    def points(values: Array) -> list[tuple[float, float]]:
        heights = (values / scale).clip(-1, 1)
        return [
            (left + x * width, top + (1 - y) * height / 2)
            for x, y in zip(grid.tolist(), heights.tolist(), strict=True)
        ]

    is_outside = bool(((above < low - 1e-9) | (above > high + 1e-9)).any())
    return element(
        "g",
        text(left, top - 6, name),
        polygon([*points(high), *points(low)[::-1]], "band"),
        line(left, top + height / 2, left + width, top + height / 2, "zero"),
        polyline(points(above), "curve outside" if is_outside else "curve"),
    )
