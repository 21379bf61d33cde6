"""What an examination finds, and the first of them, made without anything of ours but this."""

from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("forecast", "models", "alerts", "jobs")


class Level(StrEnum):
    """How bad it is: a warning is a choice that may be meant, a failure is not."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, what was seen, and how to mend it where it is not well."""

    name: str
    level: Level
    detail: str
    mend: str = ""


def own_packages() -> Finding:
    """Our packages have everyday names: another one of the same name must not shadow them."""
    home = Path(__file__).parent.parent
    for name in PACKAGES:
        spec = find_spec(name)
        origin = Path(spec.origin) if spec and spec.origin else None
        if origin != home / name / "__init__.py":
            mend = f"remove or rename {origin}, or give Tocsin an environment of its own"
            return Finding("packages", Level.FAIL, f"'{name}' is not ours but {origin}", mend)
    return Finding("packages", Level.OK, str(home))
