"""Lines of JSON: a name that no text can hold makes its row a bad one and no column."""

import io

import pytest

from forecast.intake.records import JsonRecords, Lines
from forecast.intake.rows import KINDS

GOOD = '{"unit":"u","tag":"t","occurred_at":"2025-01-01","mood":1}\n'


@pytest.mark.parametrize(
    ("name", "wrong"), [("x\\ud800", "is not UTF-8"), ("x\\u0000", "holds a NUL byte")]
)
@pytest.mark.parametrize("place", [0, 1])
def test_a_name_that_no_text_can_hold_makes_a_bad_row_and_no_column(
    place: int, name: str, wrong: str
) -> None:
    lines = [GOOD, GOOD, GOOD]
    lines[place] = GOOD.replace("mood", name)
    records = JsonRecords(Lines(io.BufferedReader(io.BytesIO("".join(lines).encode()))))
    found = list(records.read(KINDS["reports"]))
    assert [record.wrong for record in found] == [wrong if n == place else "" for n in range(3)]
    assert records.columns == ["unit", "tag", "occurred_at", "mood"]
