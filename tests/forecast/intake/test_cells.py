"""What a cell may hold that is a name."""

import io
from datetime import UTC, datetime

import pytest

from forecast.intake.ingest import ingest_file
from forecast.store import Added, Store

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
HEADER = "report_id,unit,tag,occurred_at"
GOOD = "R1,usa-ven,a.tag,2025-01-01"


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_name_too_long_for_an_index_is_a_bad_row_and_no_other_suffers(
    store: Store, place: int
) -> None:
    cells = GOOD.split(",")
    cells[place] = " ".join(map(str, range(5_000)))  # no two words alike: nothing makes it short
    rows = "\n".join([HEADER, ",".join(cells), GOOD])
    result = ingest_file(store, "-", None, NOW, stdin=io.BytesIO(rows.encode()))
    name = HEADER.split(",")[place]
    assert [b.reason for b in result.bad] == [f"{name} is longer than 500 characters"]
    assert result.added == Added(new=1)
