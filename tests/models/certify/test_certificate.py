"""Certificates: written and read back, and how each stands today."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from forecast.errors import ConfigError, OutsideError
from models.certify import certificate as module
from models.certify import code
from models.certify.certificate import (
    Certificate,
    Check,
    certificate_of,
    digests,
    folder_of,
    is_current,
    standing,
    write,
)

ENTRY_POINTS = """[tocsin.models]
strange = strange_model.family:Mine
"""
SAMPLE = Certificate(
    family="strange",
    verdict="passed",
    findings=(),
    date="2026-01-02",
    seed=3,
    replicates=100,
    kept=98,
    dropped={"too few draws": 2},
    rungs={"R1": 100},
    alpha=0.01,
    tests=(Check("log_rate", "", 98, 0.4), Check("p:q", "R1", 98, 0.5)),
    versions={"numpy": "2.0"},
)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A plug-in as pip would have put it there, with the family `strange`."""
    folder, info = tmp_path / "strange_model", tmp_path / "strange_model-1.0.dist-info"
    folder.mkdir()
    info.mkdir()
    (info / "METADATA").write_text("Name: strange-model\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    (folder / "__init__.py").touch()
    (folder / "family.py").write_text("from strange_model import rates\n")
    (folder / "rates.py").write_text("RATE = 0.01  # a day\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    for cached in (code._folders_of, module.standing):
        cached.cache_clear()
    yield folder
    for cached in (code._folders_of, module.standing):
        cached.cache_clear()


@pytest.fixture
def certified(package: Path) -> Certificate:
    """The plug-in with a certificate of its present code."""
    made = replace(SAMPLE, modules=digests("strange_model.family"))
    write(made, "<svg/>", folder_of("strange"))
    return made


def test_a_certificate_comes_back_as_it_was(certified: Certificate, package: Path) -> None:
    assert certificate_of("strange") == certified
    assert set(certified.modules) == {
        "strange_model",
        "strange_model.family",
        "strange_model.rates",
    }
    assert (package / "certificates" / "strange.svg").read_text() == "<svg/>"


def test_a_family_stands_as_its_certificate_says(package: Path) -> None:
    assert standing("strange") == "none"
    made = replace(SAMPLE, modules=digests("strange_model.family"))
    write(made, "", folder_of("strange"))
    assert standing("strange") == "passed"
    write(replace(made, verdict="failed"), "", folder_of("strange"))
    assert standing("strange") == "failed"
    assert standing("nobody") == "none"


@pytest.mark.parametrize(
    ("file", "text", "stands"),
    [
        ("rates.py", "RATE = 0.01  # per day, not per week\n", "passed"),
        ("rates.py", "RATE = 0.02  # a day\n", "stale"),
        ("family.py", "from strange_model import rates as r\n", "stale"),
        ("rates.py", None, "stale"),
        ("rates.py", "RATE = \n", "stale"),
        ("__init__.py", '"""Now with words."""\n', "passed"),
    ],
)
def test_a_changed_constant_makes_it_stale_and_a_changed_comment_does_not(
    certified: Certificate, package: Path, file: str, text: str | None, stands: str
) -> None:
    assert standing("strange") == "passed"
    standing.cache_clear()
    if text is None:
        (package / file).unlink()
    else:
        (package / file).write_text(text)
    assert standing("strange") == stands


def test_a_family_that_moved_to_another_module_is_stale(certified: Certificate) -> None:
    moved = dict(certified.modules)
    del moved["strange_model.family"]
    assert not is_current(replace(certified, modules=moved))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 2}', "\0"])
def test_a_broken_certificate_is_none_and_says_where(package: Path, text: str) -> None:
    path = folder_of("strange") / "strange.json"
    path.parent.mkdir()
    path.write_text(text)
    assert standing("strange") == "none"
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        certificate_of("strange")
    assert caught.value.at == str(path)


def test_where_nothing_can_be_written_one_line_says_so(package: Path) -> None:
    (package / "certificates").write_text("in the way")
    with pytest.raises(OutsideError, match="cannot write"):
        write(SAMPLE, "", package / "certificates")


def test_our_own_certificates_lie_with_the_documents_of_a_checkout() -> None:
    root = Path(module.__file__).parents[2]
    assert folder_of("base-rate") == root / "docs" / "certificates"


def test_standing_imports_nothing_heavy() -> None:
    program = (
        "import sys; from models.certify import standing; standing('hazard')\n"
        "print({'numpy', 'pymc', 'pytensor', 'scipy', 'pandas'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stdout.strip() == "set()", result.stderr
