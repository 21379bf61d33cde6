"""How what runs for long is asked to stop."""

import signal
from threading import Event, Thread
from types import FrameType


def stop_on_signals(stop: Event) -> None:
    """The first signal asks to stop after what runs; a second one ends the process."""

    def ask(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        # not from here: the interrupted thread may hold the event's own lock
        Thread(target=stop.set).start()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
