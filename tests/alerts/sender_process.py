"""A process that empties an outbox, and stops when it is asked to: `STORE_URL FOLDER`.

It sends on the channel `siem`, whose secrets lie in the folder, makes a file `stopping` there
when SIGTERM reaches it, and says at its end what it did.
"""

import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from alerts.outbox import drain
from forecast.alert_tables import ChannelTable
from forecast.clock import utc_now
from forecast.store import open_store
from tests.alerts.outbox_samples import KINDS


def main(store_url: str, folder: str) -> None:
    asked: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        Path(folder, "stopping").touch()

    signal.signal(signal.SIGTERM, stop)
    table = ChannelTable(
        id="siem",
        kind="webhook",
        url=f"file:{folder}/siem.url",
        secret=f"file:{folder}/siem.secret",
        allow=["127.0.0.0/8"],
    )
    with open_store(store_url) as store:
        owner = f"process {os.getpid()}"
        done = drain(store, [table], utc_now, owner, kinds=KINDS, is_stopping=lambda: bool(asked))
    json.dump(asdict(done), sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
