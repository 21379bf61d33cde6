"""One line of the benchmark: a value, what a peer needed for the same, and the budget."""

from dataclasses import dataclass
from typing import Any

HEAD = ("what", "value", "peer", "its value", "ratio", "target", "met")
WIDTHS = (42, 10, 32, 10, 8, 13, 3)


@dataclass(frozen=True, slots=True)
class Row:
    """A measured `value` in `unit`, where less is better if there is a peer.

    `peer_value` is in the same unit; None where the peer could not be asked, and `peer` says
    why. The target is `at_most` for the value, or `at_least`: for the ratio to the peer, and
    for the value where no peer is named.
    """

    name: str
    value: float
    unit: str
    peer: str | None = None
    peer_value: float | None = None
    at_most: float | None = None
    at_least: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times the value the peer's is; None where the value is 0."""
        return None if self.peer_value is None or not self.value else self.peer_value / self.value

    @property
    def target(self) -> str | None:
        """The budget in words."""
        if self.at_most is not None:
            return f"<= {self.at_most:,g} {self.unit}"
        if self.at_least is not None:
            return f">= {self.at_least:,g}{'x' if self.peer else f' {self.unit}'}"
        return None

    @property
    def met(self) -> bool | None:
        """Whether the budget was kept; None without one, or where the peer could not be asked."""
        if self.at_most is not None:
            return self.value <= self.at_most
        compared = self.ratio if self.peer else self.value
        if self.at_least is None or compared is None:
            return None
        return compared >= self.at_least

    def as_json(self) -> dict[str, Any]:
        """The row as the last line of the output has it."""
        names = ("name", "value", "unit", "peer", "peer_value", "ratio", "target", "met")
        return {name: getattr(self, name) for name in names}

    def as_line(self) -> str:
        """The row of the table."""
        return align(
            self.name,
            f"{short(self.value)} {self.unit}",
            self.peer or "",
            "" if self.peer_value is None else short(self.peer_value),
            "" if self.ratio is None else f"{short(self.ratio)}x",
            self.target or "",
            {True: "yes", False: "NO", None: ""}[self.met],
        )


def align(*cells: str) -> str:
    """Cells in the columns of the table."""
    return "  ".join(f"{c:<{w}}" for c, w in zip(cells, WIDTHS, strict=True)).rstrip()


def short(value: float) -> str:
    """Three figures, and never an exponent.

    >>> short(0.01234), short(12.345), short(23456.7)
    ('0.0123', '12.3', '23,457')
    """
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
