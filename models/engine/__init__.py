"""The update ladder: density, smoothed weights, proposals and gates.

PyTensor writes to a cache folder and fails where HOME cannot be written, so the folder is
chosen here, before anything imports it.
"""

import os
import tempfile
from importlib.metadata import version
from pathlib import Path


def _cache_folder() -> Path:
    """The first of TOCSIN_CACHE, the user's cache and a temporary folder that can be written."""
    named = os.environ.get("TOCSIN_CACHE")
    shared = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    for folder in (Path(named) if named else None, Path(shared) / "tocsin"):
        if folder is not None and _can_write(folder):
            return folder
    return Path(tempfile.mkdtemp(prefix="tocsin-"))


def _can_write(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _program() -> str:
    """By version: Numba's cache does not notice that PyTensor has another one."""
    return f"pytensor-{version('pytensor')}"


_flags = os.environ.get("PYTENSOR_FLAGS", "")
if "compiledir" not in _flags:
    os.environ["PYTENSOR_FLAGS"] = ",".join(
        # by version: Numba's cache does not notice another one
        filter(
            None, [_flags, f"base_compiledir={_cache_folder() / 'pytensor' / version('pytensor')}"]
        )
    )
