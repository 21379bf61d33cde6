"""The house rules that a machine can hold: who imports whom, who reads the clock, what is light."""

import ast
import doctest
import importlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("forecast", "models", "alerts", "jobs")
SOURCES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
BESIDE = [path for name in ("tests", "benchmarks") for path in (ROOT / name).rglob("*.py")]
PYTHON_FILES = sorted([*SOURCES, *BESIDE])
BIN = Path(sys.executable).parent

LONGEST_FUNCTION = 50
LONGEST_FILE = 400
VAGUE_NAMES = {"utils", "helpers", "base", "manager", "common"}
PICKLES = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
HEAVY = {
    "alembic", "arviz", "arviz_stats", "distributed", "fastapi", "httpx", "matplotlib", "nutpie",
    "numba", "pandas", "preliz", "pymc", "pytensor", "scipy", "sqlalchemy", "xarray",
}  # fmt: skip

# Put together from pieces, so that this file does not find itself.
REGISTRIES = [
    "py" + "pi.org", "python" + "hosted.org", "np" + "mjs.", "ana" + "conda.org",
    "artif" + "actory", "jf" + "rog", "dev" + "pi",
]  # fmt: skip
BUILD_MACHINE = re.compile(r"(?<![\w.~}])/" + "(?:root|work|Users|home/[a-z]+)" + r"/")


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes(), str(path))


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


# Who imports whom


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return run(BIN / "lint-imports", "--no-cache", cwd=folder)


def test_nobody_imports_upwards_sideways_or_into_another_room() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "imported", "contract"),
    [
        ("forecast/question.py", "jobs", "jobs -> (models | alerts) -> forecast"),
        ("models/track.py", "alerts.api", "jobs -> (models | alerts) -> forecast"),
        ("alerts/decide.py", "models", "jobs -> (models | alerts) -> forecast"),
        ("alerts/decide.py", "pymc", "inference lives in models"),
        ("jobs/cli/report.py", "sqlalchemy", "SQL lives in forecast.store"),
        ("alerts/address.py", "httpx", "httpx lives in alerts.channels and jobs.sources"),
        ("jobs/app.py", "fastapi", "the web framework lives in forecast.web"),
        ("jobs/update.py", "apscheduler", "APScheduler lives in jobs.scheduler"),
    ],
)
def test_an_import_against_the_rules_is_found(
    tmp_path: Path, module: str, imported: str, contract: str
) -> None:
    copy_house(tmp_path)
    offender = tmp_path / module
    offender.parent.mkdir(exist_ok=True)
    offender.with_name("__init__.py").touch()
    offender.write_text(f"def late():\n    import {imported}\n")
    result = lint_imports(tmp_path)
    assert result.returncode == 1
    assert f"{contract} BROKEN" in result.stdout


def copy_house(folder: Path) -> None:
    """An empty house with the contracts of this one."""
    (folder / ".importlinter").write_bytes((ROOT / ".importlinter").read_bytes())
    for package in PACKAGES:
        (folder / package).mkdir()
        (folder / package / "__init__.py").touch()
    (folder / "alerts" / "api.py").touch()


# What a start costs, and whose modules it finds


def imported_by(*arguments: str) -> set[str]:
    """The top-level packages that `tocsin ARGUMENTS` imports."""
    result = run(sys.executable, "-X", "importtime", BIN / "tocsin", *arguments)
    assert result.returncode == 0, result.stderr[-500:]
    names = [line.rpartition("|")[2].strip() for line in result.stderr.splitlines()]
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("arguments", [("--help",), ("report", "--help")])
def test_asking_for_help_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    packages = imported_by(*arguments)
    assert "click" in packages
    assert packages & HEAVY == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_users_file_of_the_same_name_is_not_taken_for_ours(tmp_path: Path, package: str) -> None:
    (tmp_path / f"{package}.py").write_text("raise SystemExit('the file of the user was imported')")
    result = run(BIN / "tocsin", "--help", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Usage:")


def test_the_installed_packages_are_the_ones_of_this_checkout(tmp_path: Path) -> None:
    for package in PACKAGES:
        (tmp_path / f"{package}.py").touch()
    code = "import sys, importlib\nfor name in sys.argv[1:]:\n"
    code += "    print(importlib.import_module(name).__file__)"
    result = run(sys.executable, "-P", "-c", code, *PACKAGES, cwd=tmp_path)
    assert result.stdout.split("\n")[:-1] == [str(ROOT / p / "__init__.py") for p in PACKAGES]


# What a syntax tree shows


def clocks_in(module: ast.Module) -> Iterator[int]:
    """Lines that ask the machine, or the database, what time it is."""
    for node in ast.walk(module):
        match node:
            case ast.Attribute(attr="utcnow" | "today" | "utcfromtimestamp"):
                yield node.lineno
            case ast.Attribute(attr="now", value=ast.Name(id=owner) | ast.Attribute(attr=owner)):
                if owner in {"datetime", "date", "Timestamp", "func"}:
                    yield node.lineno
            case ast.Attribute(attr="time" | "time_ns" | "localtime" | "gmtime"):
                if isinstance(node.value, ast.Name) and node.value.id == "time":
                    yield node.lineno
            case ast.ImportFrom(module="time", names=names):
                if {"time", "time_ns"} & {alias.name for alias in names}:
                    yield node.lineno


def pickles_in(module: ast.Module) -> Iterator[int]:
    """Lines that could read or write a pickle."""
    for node in ast.walk(module):
        match node:
            case ast.Import(names=names):
                if {alias.name.partition(".")[0] for alias in names} & PICKLES:
                    yield node.lineno
            case ast.ImportFrom(module=str(name)) if name.partition(".")[0] in PICKLES:
                yield node.lineno
            case ast.Attribute(attr="read_pickle" | "to_pickle"):
                yield node.lineno
            case ast.keyword(arg="allow_pickle", value=ast.Constant(value=True)):
                yield node.lineno


def long_functions_in(module: ast.Module) -> Iterator[int]:
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            if node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION:
                yield node.lineno


def found(check: Callable[[ast.Module], Iterator[int]], paths: list[Path]) -> list[str]:
    return [f"{place(path)}:{line}" for path in paths for line in check(tree(path))]


def test_only_the_clock_asks_what_time_it_is() -> None:
    clock = ROOT / "forecast" / "clock.py"
    assert list(clocks_in(tree(clock)))
    assert found(clocks_in, [path for path in SOURCES if path != clock]) == []


@pytest.mark.parametrize(
    "line",
    [
        "datetime.now(UTC)",
        "field(default_factory=datetime.utcnow)",
        "dt.datetime.now()",
        "date.today()",
        "pd.Timestamp.now('UTC')",
        "select(func.now())",
        "time.time()",
        "from time import sleep, time",
    ],
)
def test_every_spelling_of_the_clock_is_seen(line: str) -> None:
    assert list(clocks_in(ast.parse(line))) == [1]


@pytest.mark.parametrize(
    "line", ["clock()", "now = self.now", "time.monotonic()", "datetime.time(12)", "time.sleep(1)"]
)
def test_what_only_resembles_the_clock_is_left_alone(line: str) -> None:
    assert list(clocks_in(ast.parse(line))) == []


def test_nothing_is_pickled() -> None:
    assert found(pickles_in, PYTHON_FILES) == []


@pytest.mark.parametrize(
    "line",
    [
        "import json, pickle",
        "import joblib.parallel",
        "from cloudpickle import dumps",
        "frame.to_pickle(path)",
        "np.load(path, allow_pickle=True)",
    ],
)
def test_every_way_to_pickle_is_seen(line: str) -> None:
    assert list(pickles_in(ast.parse(line))) == [1]


def test_functions_fit_on_a_screen() -> None:
    assert found(long_functions_in, PYTHON_FILES) == []


def test_a_function_of_51_lines_is_found_and_one_of_50_is_not() -> None:
    def function(lines: int) -> ast.Module:
        return ast.parse("async def f():\n" + "    pass\n" * (lines - 1))

    assert list(long_functions_in(function(LONGEST_FUNCTION))) == []
    assert list(long_functions_in(function(LONGEST_FUNCTION + 1))) == [1]


def test_files_have_one_subject() -> None:
    lengths = {place(path): len(path.read_bytes().splitlines()) for path in PYTHON_FILES}
    assert {name: n for name, n in lengths.items() if n > LONGEST_FILE} == {}


def test_modules_are_named_for_what_they_hold() -> None:
    assert [place(p) for p in SOURCES if VAGUE_NAMES & {p.stem, p.parent.name}] == []


def modules_with_examples() -> list[str]:
    paths = [path for path in SOURCES if b">>> " in path.read_bytes()]
    return [place(path).removesuffix(".py").removesuffix("/__init__") for path in paths]


@pytest.mark.parametrize("module", modules_with_examples())
def test_the_examples_in_docstrings_are_true(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module.replace("/", ".")))
    assert result.attempted > 0
    assert result.failed == 0


# What the files say


def text_files() -> Iterator[Path]:
    """Every file of the checkout but what tools left there; see .gitignore."""
    folders = [ROOT]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            if path.is_dir() and not is_left_by_a_tool(path):
                folders.append(path)
            elif path.is_file() and b"\0" not in path.read_bytes()[:8192]:
                yield path


def is_left_by_a_tool(folder: Path) -> bool:
    hidden = folder.name.startswith(".") and folder.name != ".ci"
    built = folder.name.endswith(".egg-info") or folder.name in {"build", "dist", "out"}
    return hidden or built or folder.name == "__pycache__" or folder.is_symlink()


def test_no_file_names_a_registry_or_the_machine_it_was_written_on() -> None:
    texts = {place(path): path.read_text("utf-8", "replace") for path in text_files()}
    assert {"Makefile", ".ci/run", "tests/test_house.py", "requirements.lock"} <= texts.keys()
    registries = [(name, r) for name, text in texts.items() for r in REGISTRIES if r in text]
    assert registries == []
    paths = [(name, m[0]) for name, text in texts.items() for m in BUILD_MACHINE.finditer(text)]
    assert paths == []


@pytest.mark.parametrize("text", ["'/root" + "/x'", "see /home" + "/ann/x", "=/work" + "/main"])
def test_a_path_of_a_build_machine_is_seen(text: str) -> None:
    assert BUILD_MACHINE.search(text)


@pytest.mark.parametrize("text", ["https://h.example/work" + "/1", "./work" + "/x", "~/home/x"])
def test_an_address_or_a_relative_path_is_left_alone(text: str) -> None:
    assert BUILD_MACHINE.search(text) is None


PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*(?:\[[a-z0-9,-]+\])?)==(\S+)", re.MULTILINE)
PIN_WITH_HASHES = re.compile(
    r"[a-z0-9][a-z0-9._\[\],-]*==\S+(?: ; [^\\\n]+)? \\\n"
    r"(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+"
    r"(?:    #.*\n)*"
)


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_every_pin_has_hashes_and_no_address_stands_in_a_lock(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert PIN_WITH_HASHES.sub("", text) == ""
    assert "://" not in text
    assert len(PIN.findall(text)) > 50


def test_the_development_lock_holds_every_pin_of_the_runtime_lock() -> None:
    runtime, development = (
        set(PIN.findall((ROOT / name).read_text()))
        for name in ("requirements.lock", "requirements-dev.lock")
    )
    assert runtime - development == set()
