"""The certificate of a family: what was tested, on which code, and how it stands today.

Reading one imports neither NumPy nor PyMC, nor the family; see `models.certify.harness` for
how one is made.
"""

import ast
import json
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from forecast.errors import ConfigError, OutsideError
from forecast.names import did_you_mean
from models.certify.code import meaning_digest, modules_behind, source_of, text_digest

# as in models.registry and models.certify.world, which import NumPy
GROUP, WORLDS = "tocsin.models", "tocsin.worlds"
PASSED, FAILED, STALE, NONE = "passed", "failed", "stale", "none"


@dataclass(frozen=True, slots=True)
class Check:
    """One test: of a quantity, among the replicates that a rung answered ("" for all)."""

    quantity: str
    rung: str
    replicates: int
    p_value: float


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a run of certification found.

    `verdict` is passed or failed, with the `findings` in words; `kept` of the `replicates`
    passed the family's own gates and were ranked, the others are counted in `dropped` by their
    reason. `rungs` counts how all the updates along the streams were answered. A test fails
    below `alpha` divided by the number of tests. `modules` holds each module's two digests.
    """

    family: str
    verdict: str
    findings: tuple[str, ...]
    date: str
    seed: int
    replicates: int
    kept: int
    dropped: dict[str, int]
    rungs: dict[str, int]
    alpha: float
    tests: tuple[Check, ...]
    versions: dict[str, str]
    modules: dict[str, tuple[str, str]] = field(default_factory=dict)

    def to_json(self) -> str:
        """As a document that reads well in a diff."""
        return json.dumps({"schema_version": 1, **asdict(self)}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Certificate":
        """The inverse of `to_json`; ValueError, KeyError or TypeError where it is none."""
        found = json.loads(text)
        if found.pop("schema_version") != 1:
            raise ValueError("its schema is not known")
        found["findings"] = tuple(found["findings"])
        found["tests"] = tuple(Check(**test) for test in found["tests"])
        found["modules"] = {name: (one, two) for name, (one, two) in found["modules"].items()}
        return cls(**found)


@lru_cache(maxsize=64)
def standing(family: str) -> str:
    """How the family's certificate stands: passed, failed, stale (the code changed) or none.

    Cheap, and answered once a process.
    """
    try:
        certificate = certificate_of(family)
    except ConfigError:
        return NONE
    if certificate is None:
        return NONE
    return certificate.verdict if is_current(certificate) else STALE


def certificate_of(family: str) -> Certificate | None:
    """The family's certificate; ConfigError where there is no such family, or no sense in it."""
    path = folder_of(family) / f"{family}.json"
    try:
        return Certificate.from_json(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"this certificate cannot be read: {error}", at=str(path)) from None


def is_current(certificate: Certificate) -> bool:
    """Whether the code that was certified is the code that is here.

    Where every module reads the same, or says the same, it imports the same, so there is no
    need to walk the imports again.
    """
    if module_of(certificate.family) not in certificate.modules:
        return False
    return all(_says_the_same(name, *known) for name, known in certificate.modules.items())


def _says_the_same(module: str, text: str, meaning: str) -> bool:
    path = source_of(module)
    try:
        return path is not None and (text_digest(path) == text or meaning_digest(path) == meaning)
    except (OSError, SyntaxError, ValueError):  # not to be read, or not Python
        return False


def digests(*roots: str) -> dict[str, tuple[str, str]]:
    """The two digests of every module behind the roots."""
    behind = modules_behind(*roots)
    return {name: (text_digest(path), meaning_digest(path)) for name, path in behind.items()}


def families() -> dict[str, EntryPoint]:
    """The registered families by name."""
    return {point.name: point for point in sorted(entry_points(group=GROUP))}


def with_worlds() -> tuple[str, ...]:
    """The families that a world is registered for; of the others nothing can be found out."""
    worlds = {point.name for point in entry_points(group=WORLDS)}
    return tuple(name for name in families() if name in worlds)


def module_of(family: str) -> str:
    """The module in which a family is registered; ConfigError where there is none."""
    found = families()
    if family not in found:
        raise ConfigError(f"no model family '{family}'" + did_you_mean(family, found))
    return found[family].module


def folder_of(family: str) -> Path:
    """Where certificates of the family's package lie.

    Ours in docs/certificates of a checkout, or inside the installed package; those of another
    package in its own folder `certificates`.
    """
    top = module_of(family).partition(".")[0]
    source = source_of(top)
    if source is None:
        raise ConfigError(f"the package '{top}' of the family '{family}' is not there")
    if top != "models":
        return source.parent / "certificates"
    shipped = source.parent / "certify" / "certificates"
    return shipped if shipped.is_dir() else source.parent.parent / "docs" / "certificates"


def write(certificate: Certificate, picture: str, folder: Path) -> Path:
    """Write FAMILY.json and FAMILY.svg into the folder; OutsideError where it cannot be."""
    path = folder / f"{certificate.family}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(certificate.to_json(), "utf-8")
        path.with_suffix(".svg").write_text(picture, "utf-8")
    except OSError as error:
        raise OutsideError(f"cannot write: {error.strerror}", at=str(path)) from None
    standing.cache_clear()
    return path


def summary_of(family: str) -> str:
    """The first line of the docstring of the family's module, without importing it."""
    source = source_of(module_of(family))
    words = ast.get_docstring(ast.parse(source.read_bytes())) if source else None
    return (words or "").partition("\n")[0]
