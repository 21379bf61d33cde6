"""The one tree of errors. Each is one clear line, with the place it speaks of.

TocsinError            exit
├── UsageError          2   a command, an argument, a name that is not there
├── ConfigError         2   watch.toml, with the path of the key
├── InputError          2   a row or a file that came in, with file and line
├── HeldError           3   a gate blocked the answer, or it did not converge
└── OutsideError        4   another system is down: store, receiver, disk
    └── StoreError      4   the store: locked, full, unreachable, not at head
        ├── ConflictError   another process decided in between: decide again
        └── FencedError     another process has taken the work over: write nothing
"""


class TocsinError(Exception):
    """Something the user can mend.

    `message` is one line in plain words; `at` names the place (a key path such as
    `rules.0.clear_at`, or `reports.csv:17`), or is None where there is none.
    """

    code = "error"
    exit_code = 1

    def __init__(self, message: str, *, at: str | None = None) -> None:
        super().__init__(message)
        self.message = " ".join(message.split())
        self.at = at and " ".join(at.split())

    def __str__(self) -> str:
        return f"{self.at}: {self.message}" if self.at else self.message


class UsageError(TocsinError):
    """A command or an argument that cannot be carried out."""

    code = "usage"
    exit_code = 2


class ConfigError(TocsinError):
    """watch.toml says something that cannot be; `at` is the path of the key."""

    code = "config"
    exit_code = 2


class InputError(TocsinError):
    """A row or a file that cannot be read; `at` is file and line."""

    code = "input"
    exit_code = 2


class HeldError(TocsinError):
    """A gate blocked the answer, or it did not converge."""

    code = "held"
    exit_code = 3


class OutsideError(TocsinError):
    """A system outside this process is down, full or does not answer."""

    code = "outside"
    exit_code = 4


class StoreError(OutsideError):
    """The store is locked, full, unreachable, or not at the newest schema."""

    code = "store"


class ConflictError(StoreError):
    """What was decided rests on a state that another process has changed since."""


class FencedError(StoreError):
    """What was to be written belongs to a run that another process has taken over."""
