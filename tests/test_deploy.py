"""deploy/ and docs/operations.md: the files parse, and all that they name exists.

Neither a Docker daemon nor a running systemd is needed, and so neither is tried.
"""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml  # type: ignore[import-untyped]

from jobs.cli import tocsin

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
DOCS = [ROOT / "docs" / "operations.md", DEPLOY / "README.md"]
PROGRAM = "/opt/tocsin/bin/tocsin"
WORST_EXPOSURE = 2.0  # of 10, by systemd-analyze


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


def settings(unit: Path) -> dict[str, list[str]]:
    """The lines of a unit by key, each of which may stand more than once."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


# What is called


def commands() -> Iterator[tuple[str, list[str]]]:
    """(where, words) of every call of tocsin, without its name."""
    for service in ("serve", "worker"):
        text = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
        yield f"compose {service}", text["services"][service]["command"]
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    yield "Dockerfile", re.findall(r'"([^"]+)"', dockerfile.rsplit("CMD", 1)[1])
    for unit in UNITS:
        for line in settings(unit)["ExecStart"]:
            program, *words = shlex.split(line)
            assert program == PROGRAM
            yield unit.name, words
    for path in DOCS:
        for call in re.findall(r"(?<![\w-])tocsin ([a-z][^`#\n]*)", path.read_text()):
            yield path.name, shlex.split(call)


@pytest.mark.parametrize(("place", "words"), [*commands()])
def test_every_command_and_option_exists(place: str, words: list[str]) -> None:
    context = click.Context(tocsin)
    command: click.Command = tocsin
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, f"{place}: tocsin {words[0]}"
        command, words = found, words[1:]
    known = {option for parameter in command.params for option in parameter.opts}
    known |= {o for parameter in command.params for o in parameter.secondary_opts}
    named = {word.partition("=")[0] for word in words if word.startswith("-")}
    assert named - known == set(), f"{place}: {command.name}"


def test_every_environment_variable_is_one_that_we_read() -> None:
    ours = "".join(
        path.read_text()
        for name in ("forecast", "models", "alerts", "jobs")
        for path in (ROOT / name).rglob("*.py")
    )
    for path in [*DEPLOY.rglob("*"), *DOCS]:
        if path.is_file():
            for name in set(re.findall(r"TOCSIN_[A-Z_]+", path.read_text())):
                assert f'"{name}"' in ours, f"{path.name}: {name}"


# Containers


def test_the_image_installs_by_hash_from_files_that_there_are() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    assert "--require-hashes" in text
    python = (ROOT / ".python-version").read_text().strip()
    assert f"python:{python}-" in text
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        for name in line.split():
            assert (ROOT / name).exists(), name
    assert re.search(r"^USER (?!root|0)", text, re.MULTILINE)


def test_services_have_no_root_no_capabilities_and_a_file_system_that_stays(
    compose: dict[str, Any],
) -> None:
    for name, service in compose["services"].items():
        assert int(service["user"].split(":")[0]) > 0, name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert "privileged" not in service


def test_secrets_and_volumes_that_are_used_are_declared_and_none_is_in_clear(
    compose: dict[str, Any],
) -> None:
    for service in compose["services"].values():
        assert set(service["secrets"]) <= set(compose["secrets"])
        named = {v.split(":")[0] for v in service["volumes"] if not v.startswith(".")}
        assert named <= set(compose["volumes"])
        for key, value in service["environment"].items():
            if re.search("PASSWORD|STORE|URL|KEY", key):
                assert "/run/secrets/" in value, key
    assert all(set(secret) == {"file"} for secret in compose["secrets"].values())


def test_the_api_is_given_to_this_host_alone(compose: dict[str, Any]) -> None:
    ports = [port for s in compose["services"].values() for port in s.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


# systemd


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_takes_the_unit_and_rates_it_well(unit: Path, tmp_path: Path) -> None:
    """With a program that there is in the place of ours, which is not installed here."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not here")
    for path in (DEPLOY / "systemd").iterdir():
        text = path.read_text().replace(PROGRAM, str(Path(sys.executable).resolve()))
        (tmp_path / path.name).write_text(text)
    ours = tmp_path / unit.name
    checked = run(analyze, "verify", "--recursive-errors=no", ours)
    assert (checked.returncode, checked.stderr) == (0, "")
    rated = run(analyze, "security", "--offline=true", ours)
    exposure = re.search(r"exposure level for \S+: ([\d.]+)", rated.stdout)
    assert exposure is not None, rated.stderr
    assert float(exposure[1]) <= WORST_EXPOSURE


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_the_unit_drains_keeps_its_folders_and_does_not_start_a_mistake_again() -> None:
    found = settings(DEPLOY / "systemd" / "tocsin.service")
    assert int(found["TimeoutStopSec"][0]) > 60  # as long as a message may take
    assert found["KillMode"] == ["mixed"]
    assert found["RestartPreventExitStatus"] == ["2"]
    assert "WatchdogSec" not in found  # we do not notify it
    folder = found["CacheDirectory"][0]
    assert f"TOCSIN_CACHE=/var/cache/{folder}" in found["Environment"]
    credentials = {line.partition(":")[0] for line in found["LoadCredential"]}
    told = re.findall(r"credentials/tocsin\.service/([\w-]+)", (DEPLOY / "README.md").read_text())
    assert credentials <= set(told)
