"""What goes wrong in a service: each trouble one line in the log, once for as long as it lasts."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from forecast.errors import TocsinError

_log = logging.getLogger(__name__)


class Troubles:
    """Keeps one task's failure from the others; `failure` is the last one that there was."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self._lasting: dict[str, str] = {}

    def __bool__(self) -> bool:
        """Whether anything is in trouble now."""
        return bool(self._lasting)

    @contextmanager
    def reported(self, task: str, title: str = "") -> Iterator[None]:
        """Log what goes wrong, once for as long as it is the same, and when it is over."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - one task's failure must not stop the others
            self.failure = error
            words = " ".join(in_words(error).split())
            if self._lasting.get(task) != words:
                self._lasting[task] = words
                _log.error("%s: %s", task, words)
        else:
            if self._lasting.pop(task, None):
                _log.info("%s: works again", title or task)


def in_words(error: Exception) -> str:
    """An error of ours as it is; any other with its kind."""
    return str(error) if isinstance(error, TocsinError) else f"{type(error).__name__}: {error}"
