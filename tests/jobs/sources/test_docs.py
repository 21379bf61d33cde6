"""docs/sources.md: its examples are read, and every kind is named."""

import re
from pathlib import Path

from forecast.watch import parse_config
from jobs.sources.registry import installed, kind_of

DOC = (Path(__file__).parents[3] / "docs" / "sources.md").read_text()
DESK = '[watch]\ntitle = "desk"\n'


def test_the_documents_examples_are_read() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", DOC, re.DOTALL)
    found = [table for block in blocks for table in parse_config(DESK + block).sources]
    assert [table.id for table in found] == ["wire", "buoy", "acled-ven"]
    for table in found:
        kind_of(table)


def test_the_document_names_every_kind_that_is_ours() -> None:
    named = set(re.findall(r"^\| `(\w+)` \| ", DOC, re.MULTILINE))
    ours = {entry.name for entry in installed() if entry.value.startswith("jobs.sources.")}
    assert ours <= named
