"""The program itself: its Python, whose modules it finds, and what is plugged into it."""

import sys
from collections.abc import Iterator
from importlib.metadata import entry_points, packages_distributions
from pathlib import Path

from alerts import registry as channels
from jobs.findings import PACKAGES, Finding, Level
from jobs.sources import registry as sources
from models import registry as models

PYTHONS = ((3, 12), (3, 15))
_OURS: dict[str, tuple[str, ...]] = {
    channels.GROUP: (
        *("alertmanager", "alertmanager-api", "atom", "log", "mail", "pagerduty"),
        *("slack", "webhook"),
    ),
    models.GROUP: ("base-rate", "hazard"),
    sources.GROUP: (),
}


def program() -> Iterator[Finding]:
    """Everything that does not depend on a watch."""
    yield _python()
    yield from shadows(Path())
    yield from owners()
    yield from _plug_ins()


def _python() -> Finding:
    first, beyond = PYTHONS
    version = ".".join(map(str, sys.version_info[:3]))
    if first <= sys.version_info[:2] < beyond:
        return Finding("python", Level.OK, version)
    return Finding("python", Level.WARN, version, "it is tested on Python 3.12 to 3.14")


def _plug_ins() -> Iterator[Finding]:
    for group, ours in _OURS.items():
        found = {entry.name: entry for entry in entry_points(group=group)}
        broken = [name for name in ours if name not in found]
        if broken:
            detail = f"not registered: {', '.join(broken)}"
            yield Finding(group, Level.FAIL, detail, "install Tocsin again, with pip")
        for name, entry in found.items():
            try:
                entry.load()
            except Exception as error:  # noqa: BLE001 - a stranger's package may fail in any way
                broken.append(name)
                words = " ".join(f"'{name}' does not load: {error}".split())
                mend = f"install {entry.value.partition(':')[0]} again, or remove its package"
                yield Finding(group, Level.FAIL, words, mend)
        if not broken:
            yield Finding(group, Level.OK, ", ".join(sorted(found)))


def shadows(folder: Path) -> Iterator[Finding]:
    """Files of the user's that bear a name of ours: `python -m` and notebooks would take them."""
    for name in PACKAGES:
        theirs = [folder / f"{name}.py", folder / name / "__init__.py"]
        home = Path(__file__).parents[2] / name / "__init__.py"
        found = next((p for p in theirs if p.is_file() and p.resolve() != home.resolve()), None)
        if found is not None:
            detail = f"{found} of the current folder bears the name of a package of ours"
            mend = f"rename {found}; `tocsin` itself is not misled, `python -m` would be"
            yield Finding(f"module {name}", Level.WARN, detail, mend)


def owners() -> Iterator[Finding]:
    """Two distributions that install one of our packages overwrite each other's files."""
    found = packages_distributions()
    for name in PACKAGES:
        owned_by = sorted(set(found.get(name, [])))
        if len(owned_by) > 1:
            others = " ".join(owner for owner in owned_by if owner.lower() != "tocsin")
            detail = f"'{name}' is installed by {' and '.join(owned_by)}"
            mend = f"`pip uninstall {others}`, or give Tocsin an environment of its own"
            yield Finding("packages", Level.FAIL, detail, mend)
