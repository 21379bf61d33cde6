"""The cache of compiled models: where it is, and whether anything is in it yet."""

import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from jobs.findings import Finding, Level


def cache(*, warm: bool = False) -> Iterator[Finding]:
    """Whether it can be written, and is warm; with `warm` it is made so now."""
    found = _cache()
    yield found
    if found.level is not Level.FAIL:
        yield _warmed() if warm else _warmth(_folder())


def _folder() -> Path:
    """`models.engine` chooses it as it is imported."""
    import models.engine  # noqa: F401  (the import is the point)

    found = re.search(r"compiledir=([^,]+)", os.environ.get("PYTENSOR_FLAGS", ""))
    return Path(found[1]) if found else Path()


def _cache() -> Finding:
    """Where compiled models are kept, and that they can be."""
    folder = _folder()
    mend = "set TOCSIN_CACHE to a folder that can be written"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return Finding("cache", Level.FAIL, f"{folder}: {error.strerror}", mend)
    if folder.is_relative_to(tempfile.gettempdir()):
        return Finding("cache", Level.WARN, f"{folder} is lost when this ends", mend)
    return Finding("cache", Level.OK, str(folder))


def _warmth(folder: Path) -> Finding:
    """PyTensor keeps what it compiled in a folder by platform."""
    is_warm = any(folder.glob("compiledir_*/*_ext"))
    if is_warm:
        return Finding("compiled", Level.OK, "warm")
    detail = "nothing is compiled yet: the first update takes some seconds more"
    return Finding("compiled", Level.WARN, detail, "`tocsin doctor --warm` compiles now")


def _warmed() -> Finding:
    from models.hazard.density import compiled_density

    started = time.monotonic()
    compiled_density()
    return Finding("compiled", Level.OK, f"in {time.monotonic() - started:.1f} s")
