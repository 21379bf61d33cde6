"""The digests of code: what is behind a family, and which edits mean something."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.certify import code
from models.certify.code import meaning_digest, modules_behind, source_of, text_digest

FAMILY = '''"""A family of a stranger."""

import json
from os import path

from .rates import RATE
from . import words as w
import models.engine.psis
from models.certify import standing


class Mine:
    """Says so."""

    def update(self):
        from forecast.evidence import incident_key
        from strange_model.deep.inner import thing
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "strange_model"
    (folder / "deep").mkdir(parents=True)
    for name in ("__init__", "words", "unused", "deep/__init__", "deep/inner"):
        (folder / f"{name}.py").write_text("raise SystemExit('imported')\n")
    (folder / "family.py").write_text(FAMILY)
    (folder / "rates.py").write_text("RATE = 0.01  # a day\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    code._folders_of.cache_clear()
    yield folder
    code._folders_of.cache_clear()


def test_what_is_behind_a_plug_in_is_found_without_importing_it(package: Path) -> None:
    found = modules_behind("strange_model.family")
    own = {name for name in found if name.startswith("strange_model")}
    assert own == {
        "strange_model",
        "strange_model.family",
        "strange_model.rates",
        "strange_model.words",
        "strange_model.deep",
        "strange_model.deep.inner",
    }
    assert {"models", "models.engine", "models.engine.psis", "models.quantiles"} <= set(found)
    assert "forecast.evidence" in found
    assert not any(name.startswith(("models.certify", "json", "os")) for name in found)
    assert found["strange_model.rates"] == package / "rates.py"


def test_our_own_families_rest_on_what_they_compute_with() -> None:
    assert {"models.base_rate", "models.shares", "models.rows", "models.track"} <= set(
        modules_behind("models.base_rate")
    )
    assert "models.engine.ladder" not in modules_behind("models.base_rate")
    assert "models.engine.psis" in modules_behind("models.hazard")
    assert "models.certify.worlds.base_rate" in modules_behind("models.certify.worlds.base_rate")


def test_a_module_that_is_not_there_has_no_source() -> None:
    assert source_of("models.nowhere") is None
    assert source_of("no_such_package_at_all") is None


ORIGINAL = '''"""A module."""
SCALE = 1e-4


def f(x: float) -> float:
    """Docstring."""
    return x * SCALE  # a remark
'''


@pytest.mark.parametrize(
    ("old", "new", "means"),
    [
        ("# a remark", "# another remark", False),
        ('"""A module."""\n', "", False),
        ("Docstring.", "A better one.", False),
        ("x * SCALE", "(x *  SCALE)", False),
        ("1e-4", "0.0001", False),
        ("1e-4", "2e-4", True),
        ("x * SCALE", "SCALE * x", True),
        ("x: float", "x: int", True),
        ("x * SCALE", "'x * SCALE'", True),
    ],
)
def test_a_comment_means_nothing_and_a_constant_does(
    tmp_path: Path, old: str, new: str, means: bool
) -> None:
    one, other = tmp_path / "one.py", tmp_path / "other.py"
    one.write_text(ORIGINAL)
    other.write_text(ORIGINAL.replace(old, new))
    assert old in ORIGINAL
    assert text_digest(one) != text_digest(other)
    assert (meaning_digest(one) != meaning_digest(other)) is means
