"""The set-up: which Python is found, when .venv is made, and when it is left alone.

The scripts run for real, in a copy of the checkout's outside, on a PATH of made-up Pythons:
shell scripts that answer as a Python of some version would, and write down what they are asked.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ("cat", "cksum", "cp", "dirname", "make", "mkdir", "rm", "sed", "sh")
OUTSIDE = ("Makefile", ".ci", "pyproject.toml", "requirements.lock", "requirements-dev.lock")

PYTHON = """#!/bin/sh
case "$*" in
*find_spec*) echo "{version} {kind} {path}" ;;
*"import ensurepip"*) [ {kind} = whole ] ;;
*"print(sys.version)"*) echo {version} ;;
*"-m venv .venv") echo "venv" >>"{calls}" && mkdir -p .venv/bin && cp "{path}" .venv/bin/python ;;
*"pip install"*) echo "${{*#*--quiet --quiet }}" >>"{calls}" && [ ! -e "{offline}" ] ;;
esac
"""
UV = """#!/bin/sh
[ "$1 $2" != "python find" ] || {{ echo "{found}" && [ "$UV_PYTHON_DOWNLOADS" = never ] && exit; }}
echo "uv $1" >>"{calls}"
[ "$1" != venv ] || {{ mkdir -p .venv/bin && cp "{python}" .venv/bin/python; }}
"""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A copy of what stands around the packages, and a machine that has only what is put there."""

    folder: Path
    machine: Path

    @property
    def programs(self) -> Path:
        return self.machine / "bin"

    @property
    def offline(self) -> Path:
        """While this file exists, installing fails."""
        return self.machine / "offline"

    def calls(self) -> list[str]:
        """What was asked of the installers since the last time."""
        path = self.machine / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.write_text("")
        return lines

    def write(self, path: Path, script: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script)
        path.chmod(0o755)
        return path

    def python(self, name: str | Path, version: str, kind: str = "whole") -> str:
        """Put a Python there; `bare` is one that cannot make environments. Returns its path."""
        path = self.programs / name
        names = {"calls": self.machine / "calls", "offline": self.offline, "path": path}
        return str(self.write(path, PYTHON.format(version=version, kind=kind, **names)))

    def uv(self, found: str = "") -> None:
        calls, python = self.machine / "calls", self.programs / "python3"
        self.write(self.programs / "uv", UV.format(found=found, calls=calls, python=python))

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.programs}{os.pathsep}{self.machine / 'tools'}"
        env = {"PATH": path, "HOME": str(self.machine / "home"), **variables}
        return subprocess.run(
            command, cwd=self.folder, env=env, capture_output=True, text=True, check=False
        )

    def find(self, **variables: str) -> subprocess.CompletedProcess[str]:
        return self.run("sh", ".ci/find-python", **variables)

    def install(self, lock: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return self.run("sh", ".ci/environment", lock, **variables)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    folder, machine = tmp_path / "a checkout", tmp_path / "machine"
    folder.mkdir()
    for name in OUTSIDE:
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, folder / name)
    (machine / "tools").mkdir(parents=True)
    (machine / "bin").mkdir()
    for name in TOOLS:
        program = shutil.which(name)
        assert program is not None, name
        (machine / "tools" / name).symlink_to(program)
    return Checkout(folder, machine)


# Which Python is found


def test_the_folders_own_python3_comes_first(checkout: Checkout) -> None:
    path = checkout.python("python3", "3.12")
    checkout.python("python3.13", "3.13")
    assert checkout.find().stdout == f"{path}\n"


@pytest.mark.parametrize("version", ["2.7", "3.11", "3.15", "3.120"])
def test_a_python3_that_is_too_old_or_too_new_is_passed_over(
    checkout: Checkout, version: str
) -> None:
    checkout.python("python3", version)
    path = checkout.python("python3.14", "3.14")
    assert checkout.find().stdout == f"{path}\n"


def test_a_shim_that_fails_is_passed_over_without_a_word(checkout: Checkout) -> None:
    for name in ("python3", "python3.13"):
        shim = f"#!/bin/sh\necho 'pyenv: {name}: command not found' >&2\nexit 127\n"
        checkout.write(checkout.programs / name, shim)
    path = checkout.python("python3.12", "3.12")
    result = checkout.find()
    assert (result.stdout, result.stderr) == (f"{path}\n", "")


def test_the_version_we_develop_on_comes_before_other_names(checkout: Checkout) -> None:
    checkout.python("python3.12", "3.12")
    checkout.python("python3.14", "3.14")
    path = checkout.python("python3.13", "3.13")
    assert checkout.find().stdout == f"{path}\n"


def test_pyenvs_versions_are_found_where_pyenv_is_not_on_the_path(checkout: Checkout) -> None:
    versions = checkout.machine / "home" / ".pyenv" / "versions"
    checkout.python(versions / "3.11.9" / "bin" / "python3", "3.11")
    path = checkout.python(versions / "3.12.4" / "bin" / "python3", "3.12")
    assert checkout.find().stdout == f"{path}\n"
    elsewhere = checkout.machine / "opt pyenv"
    other = checkout.python(elsewhere / "versions" / "3.13.0" / "bin" / "python3", "3.13")
    assert checkout.find(PYENV_ROOT=str(elsewhere)).stdout == f"{other}\n"


def test_what_uv_knows_comes_last_and_nothing_is_downloaded(checkout: Checkout) -> None:
    path = checkout.python(checkout.machine / "uv" / "python3.13", "3.13")
    checkout.uv(found=path)
    assert checkout.find().stdout == f"{path}\n"
    nearer = checkout.python("python3", "3.12")
    assert checkout.find().stdout == f"{nearer}\n"


def test_a_python_that_can_make_environments_is_preferred(checkout: Checkout) -> None:
    bare = checkout.python("python3", "3.13", "bare")
    assert checkout.find().stdout == f"{bare}\n"
    whole = checkout.python("python3.12", "3.12")
    assert checkout.find().stdout == f"{whole}\n"


def test_the_python_that_is_asked_for_is_taken(checkout: Checkout) -> None:
    checkout.python("python3", "3.13")
    path = checkout.python(checkout.machine / "mine" / "python", "3.12")
    assert checkout.find(PYTHON=path).stdout == f"{path}\n"


def test_a_python_that_is_asked_for_and_does_not_fit_is_refused(checkout: Checkout) -> None:
    checkout.python("python3", "3.13")
    checkout.python("python3.9", "3.9")
    for asked, reason in (("python3.9", "is 3.9"), ("nowhere", "is not there")):
        result = checkout.find(PYTHON=asked)
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.endswith(f": PYTHON is {asked}, which {reason}.\n")
        assert result.stderr.count("\n") == 1


def test_without_a_python_one_line_says_what_to_install(checkout: Checkout) -> None:
    checkout.python("python3", "3.11")
    checkout.write(checkout.programs / "python3.13", "#!/bin/sh\nexit 127\n")
    result = checkout.find()
    assert (result.returncode, result.stdout) == (2, "")
    found = "found python3, which is 3.11, python3.13, which does not run; install"
    assert f"needs Python 3.12, 3.13 or 3.14: {found}" in result.stderr
    assert result.stderr.count("\n") == 1


def test_make_stops_where_there_is_no_python(checkout: Checkout) -> None:
    result = checkout.run("make", "demo")
    assert (result.returncode, result.stdout) == (2, "")
    assert "found none; install" in result.stderr
    assert not (checkout.folder / ".venv").exists()


# When the environment is made, and when it is left alone

FRESH = ["venv", "--require-hashes --requirement requirements.lock"]
PROJECT = "--no-deps --no-build-isolation --editable ."


def test_the_environment_is_made_once(checkout: Checkout) -> None:
    checkout.python("python3", "3.13")
    first, made = checkout.install("requirements.lock"), checkout.calls()
    assert (first.returncode, first.stdout) == (0, "")
    assert first.stderr == "Making the environment in .venv (about a minute, once) ...\n"
    assert made == [*FRESH, PROJECT]
    second = checkout.install("requirements.lock")
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert checkout.calls() == []


def test_a_new_lock_is_installed_into_the_environment_that_is_there(checkout: Checkout) -> None:
    checkout.python("python3", "3.13")
    checkout.install("requirements.lock")
    checkout.calls()
    with (checkout.folder / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    assert checkout.install("requirements.lock").returncode == 0
    assert checkout.calls() == [FRESH[1], PROJECT]


def test_the_environment_of_the_tests_serves_the_demo(checkout: Checkout) -> None:
    checkout.python("python3", "3.13")
    checkout.install("requirements-dev.lock")
    assert checkout.calls()[1] == "--require-hashes --requirement requirements-dev.lock"
    checkout.install("requirements.lock")
    assert checkout.calls() == []


def test_a_failed_installation_is_not_trusted_by_the_next_run(checkout: Checkout) -> None:
    checkout.python("python3", "3.13")
    checkout.offline.touch()
    failed = checkout.install("requirements.lock")
    assert failed.returncode == 2
    assert "the packages of requirements.lock were not installed" in failed.stderr
    assert checkout.calls() == FRESH
    checkout.offline.unlink()
    assert checkout.install("requirements.lock").returncode == 0
    assert checkout.calls() == [*FRESH, PROJECT]


def test_a_moved_checkout_gets_an_environment_of_its_own(checkout: Checkout) -> None:
    checkout.python("python3", "3.13")
    checkout.install("requirements.lock")
    checkout.calls()
    moved = Checkout(checkout.folder.rename(checkout.folder.with_name("moved")), checkout.machine)
    moved.install("requirements.lock")
    assert moved.calls() == [*FRESH, PROJECT]


def test_an_environment_that_was_there_before_is_added_to(checkout: Checkout) -> None:
    path = checkout.python("python3", "3.13")
    (checkout.folder / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(path, checkout.folder / ".venv" / "bin" / "python")
    assert checkout.install("requirements.lock").returncode == 0
    assert checkout.calls() == [FRESH[1], PROJECT]


def test_another_python_makes_another_environment(checkout: Checkout) -> None:
    checkout.python("python3", "3.13")
    other = checkout.python("python3.12", "3.12")
    checkout.install("requirements.lock")
    checkout.calls()
    checkout.install("requirements.lock", PYTHON=other)
    assert checkout.calls() == [*FRESH, PROJECT]
    checkout.install("requirements.lock")
    assert checkout.calls() == []


def test_without_the_venv_package_one_line_names_it(checkout: Checkout) -> None:
    path = checkout.python("python3", "3.13", "bare")
    result = checkout.install("requirements.lock")
    assert result.returncode == 2
    assert f"{path} cannot make a virtual environment" in result.stderr
    assert "apt install python3-venv" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (checkout.folder / ".venv").exists()


def test_without_the_venv_package_uv_makes_the_environment(checkout: Checkout) -> None:
    checkout.python("python3", "3.13", "bare")
    checkout.uv()
    assert checkout.install("requirements.lock").returncode == 0
    assert checkout.calls()[0] == "uv venv"
