"""docs/failure-matrix.md: every row names tests that are there, or says why there is none."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROWS = range(1, 63)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@cache
def functions_of(path: str) -> set[str]:
    """The functions that a file of tests defines."""
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def rows() -> dict[int, str]:
    """The last column of the table, by the number in the first."""
    text = (ROOT / "docs" / "failure-matrix.md").read_text()
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    return {int(cells[0]): cells[-1] for cells in lines if cells[0].strip().isdecimal()}


def test_every_failure_has_its_tests_or_its_reason() -> None:
    found = rows()
    assert sorted(found) == list(ROWS)
    bare = [n for n, held in found.items() if not TEST.search(held) and "Exception:" not in held]
    assert bare == []


def test_every_test_that_is_named_is_there() -> None:
    named = [pair for held in rows().values() for pair in TEST.findall(held)]
    assert len(named) > 60
    assert [f"{path}::{name}" for path, name in named if name not in functions_of(path)] == []
