"""`tocsin models`: what stands, what a run of certification says, and what is refused."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.command import Done
from tests.command import run as tocsin

ENTRY_POINTS = """[tocsin.models]
toy = toy_model:Fair
bent-toy = toy_model:Bent
worldless = toy_model:Fair

[tocsin.worlds]
toy = toy_model:simulate
bent-toy = toy_model:simulate
"""
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def plug_in(tmp_path: Path) -> Path:
    """A package with the toy of the harness's tests, installed as pip would."""
    source = (ROOT / "tests" / "models" / "certify" / "toy.py").read_text()
    bent = "class Fair(Toy):\n    pass\n\n\nclass Bent(Toy):\n    def __init__(self):\n"
    bent += "        super().__init__(power=0.0)\n"
    package = tmp_path / "toy_model"
    package.mkdir()
    (package / "__init__.py").write_text(f"{source}\n\n{bent}")
    info = tmp_path / "toy_model-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: toy-model\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    return tmp_path


def run(place: Path, *arguments: str) -> Done:
    environment = {"PYTHONPATH": str(place), "PATH": "", "COLUMNS": "200", "HOME": str(place)}
    return tocsin("models", *arguments, folder=place, environment=environment, process=True)


def answer(place: Path, *arguments: str) -> Any:
    result = run(place, *arguments, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_every_family_is_listed_with_what_it_is_and_how_it_stands(plug_in: Path) -> None:
    rows = {row["family"]: row for row in answer(plug_in)["models"]}
    assert {"hazard", "base-rate", "toy", "bent-toy"} <= rows.keys()
    assert rows["toy"]["certificate"] == "none"
    assert rows["toy"]["module"] == "toy_model"
    assert rows["toy"]["summary"].startswith("A family whose posterior is exact")
    shown = run(plug_in).stdout
    assert "conjugate Gamma-Poisson rate" in shown


def test_a_certified_family_stands_until_its_code_changes(plug_in: Path) -> None:
    made = run(plug_in, "certify", "toy", "--replicates", "120", "--workers", "1")
    assert made.returncode == 0, made.stdout + made.stderr
    assert "passed: 120 of 120 worlds ranked" in made.stdout
    assert str(plug_in / "toy_model" / "certificates" / "toy.json") in made.stderr
    assert run(plug_in, "certify", "--check", "toy").returncode == 0
    details = answer(plug_in, "show", "toy")["details"]
    assert details["verdict"] == "passed"
    assert {test["quantity"] for test in details["tests"]} >= {"log_likelihood", "p:q"}
    module = plug_in / "toy_model" / "__init__.py"
    module.write_text(module.read_text().replace("MEAN, SD, DAYS, AHEAD, DRAWS = -2.5", "X = -2.4"))
    stale = run(plug_in, "certify", "--check", "toy")
    assert (stale.returncode, stale.stdout) == (1, "toy: stale\n")
    assert "stale: 120 of 120" in run(plug_in, "show", "toy").stdout


def test_a_family_that_fails_says_what_failed_and_exits_with_3(plug_in: Path) -> None:
    out = plug_in / "elsewhere"
    command = ("certify", "bent-toy", "--replicates", "60", "--workers", "1", "--out", str(out))
    result = run(plug_in, *command)
    assert result.returncode == 3, result.stdout + result.stderr
    assert "failed: 60 of 60 worlds" in result.stdout
    assert "log_likelihood: p = " in result.stdout
    assert json.loads((out / "bent-toy.json").read_text())["verdict"] == "failed"
    assert (out / "bent-toy.svg").read_text().startswith("<svg")
    assert answer(plug_in, "show", "bent-toy")["certificate"] == "none"  # it lies elsewhere


def test_without_a_certificate_it_says_how_to_make_one(plug_in: Path) -> None:
    assert "tocsin models certify toy makes one" in run(plug_in, "show", "toy").stdout
    assert run(plug_in, "certify", "--check", "toy").returncode == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "hazrd"), "no model family 'hazrd'; did you mean 'hazard'?"),
        (("certify", "toy", "toy"), "a family is named twice"),
        (("certify", "worldless"), "no world is registered for the family 'worldless'"),
        (("certify", "toy", "--replicates", "3"), "not in the range x>=20"),
    ],
)
def test_what_cannot_be_is_one_line(plug_in: Path, arguments: tuple[str, ...], words: str) -> None:
    result = run(plug_in, *arguments)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert words in result.stderr


def test_a_list_needs_no_inference(plug_in: Path) -> None:
    code = "import sys; sys.argv = ['tocsin', 'models', '--json']\n"
    code += "from jobs.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass\n"
    code += "print({'numpy', 'pymc', 'pytensor', 'pandas'} & set(sys.modules), file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stderr.strip() == "set()", result.stderr
