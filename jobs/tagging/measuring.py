"""How well a pack tags: what it found, held against what a person found in the same text."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path

from forecast.candidate import Candidate
from forecast.errors import InputError
from forecast.evidence import Report
from forecast.intake.records import CsvRecords, DamageError, Lines
from forecast.intake.rows import KINDS, check_columns

Kind = tuple[str, str]  # tag and unit


@dataclass(frozen=True, slots=True)
class Measured:
    """Counts of statements by (tag, unit): found by rules, wanted by a person, right in both.

    Two statements are one if tag and unit are; of three wanted and two found two are right.
    """

    found: Counter[Kind] = field(default_factory=Counter)
    wanted: Counter[Kind] = field(default_factory=Counter)
    right: Counter[Kind] = field(default_factory=Counter)

    def __add__(self, other: "Measured") -> "Measured":
        return Measured(
            self.found + other.found, self.wanted + other.wanted, self.right + other.right
        )

    @property
    def precision(self) -> float | None:
        """The share of what was found that is right; None where nothing was found."""
        return _share(self.right, self.found)

    @property
    def recall(self) -> float | None:
        """The share of what was wanted that was found; None where nothing was wanted."""
        return _share(self.right, self.wanted)

    def of(self, kind: Kind) -> "Measured":
        """The same for one tag at one unit."""
        parts = (self.found, self.wanted, self.right)
        return Measured(*(Counter({kind: part[kind]}) for part in parts))

    def kinds(self) -> list[Kind]:
        """Every tag and unit that was found or wanted, sorted."""
        return sorted({*self.found, *self.wanted})


def measure(candidates: Iterable[Candidate], wanted: Iterable[Kind]) -> Measured:
    """What was found in one text against what is in it."""
    found, asked = Counter((c.tag, c.unit) for c in candidates), Counter(wanted)
    return Measured(found, asked, found & asked)


def reports_of(path: Path, source: str = "") -> list[Report]:
    """The reports in a CSV file, of one source if it is named; InputError where it is none."""
    try:
        with path.open("rb") as stream:
            records = CsvRecords(Lines(BufferedReader(stream)))
            check_columns(KINDS["reports"], records.columns, path.name)
            rows = [
                record.facts(KINDS["reports"], path.name)[0]
                for record in records.read(KINDS["reports"])
            ]
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", at=str(path)) from None
    except (DamageError, ValueError) as error:
        raise InputError(str(error), at=path.name) from None
    reports = [row for row in rows if isinstance(row, Report)]
    return [r for r in reports if not source or r.source.casefold() == source.casefold()]


def _share(part: Counter[Kind], whole: Counter[Kind]) -> float | None:
    return part.total() / whole.total() if whole.total() else None
