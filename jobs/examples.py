"""Where the examples are: beside the code in a checkout, inside the package in a wheel."""

from pathlib import Path

from forecast.errors import UsageError


def example_folder(name: str) -> Path:
    """The folder of an example; UsageError where there is none of that name."""
    here = Path(__file__).parent
    for folder in (here.parent / "examples" / name, here / "examples" / name):
        if (folder / "watch.toml").is_file():
            return folder
    raise UsageError(f"no example '{name}'")
