"""The outbox alone: notices that wait, formed and sent to a receiver on loopback."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from alerts.facts import notice_id
from alerts.outbox import drain
from alerts.testing import Receiver, sample_facts
from benchmarks.rows import Row
from benchmarks.timing import say, seconds
from forecast.alert import Notice, NoticeKind, Route
from forecast.clock import utc_now
from jobs.app import App, open_app
from jobs.notify import form_due

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SINGLES = 200
MANY = 500
CHANNELS = 5
FACTS = sample_facts()["firing"]
WATCH = """
[watch]
title = "A desk with some receivers"

[definitions.event]
base_rate = "5%..20% per quarter"
"""
CHANNEL = """
[[channels]]
id = "desk{n}"
kind = "webhook"
url = "file:{folder}/url"
secret = "file:{folder}/secret"
allow = ["127.0.0.0/8"]
grouped = false
"""


def measure(cache: Path, full: bool, singles: int = SINGLES, many: int = MANY) -> Iterator[Row]:
    """Seconds from a notice on disk to its mark as delivered, and messages a second."""
    with TemporaryDirectory() as name, Receiver(SECRET) as receiver:
        folder = Path(name)
        tables = "".join(CHANNEL.format(n=n, folder=folder) for n in range(CHANNELS))
        (folder / "watch.toml").write_text(WATCH + tables)
        (folder / "url").write_text(receiver.webhook_url)
        (folder / "secret").write_text(SECRET)
        with open_app(folder) as app:
            say(f"{singles} notices, one after the other")
            took = [_send(app, n, "desk0") for n in range(-singles, 0)]
            yield Row(
                "a notice formed, sent and marked, p99",
                float(np.quantile(took, 0.99)),
                "s",
                at_most=1,
            )
            for count in (1, CHANNELS):
                say(f"{many} messages to {count} receivers")
                names = [f"desk{n}" for n in range(count)]
                took_all = _send(app, many * count, *names, times=many // count)
                yield Row(f"messages to {count} receivers", many / took_all, "/s")
    assert not [r for r in receiver.received if r.problem]


def _send(app: App, first: int, *channels: str, times: int = 1) -> float:
    """Seconds to form and send so many notices for each channel, which wait already."""
    now = utc_now()
    notices = [_notice(first + n, channel, now) for channel in channels for n in range(times)]
    app.store.record(to_tell=notices, recorded_at=now)

    def send() -> None:
        form_due(app, utc_now())
        done = drain(app.store, app.config.channels, utc_now, "bench")
        assert done.sent == len(notices), f"{done} of {len(notices)}"

    return seconds(send)


def _notice(number: int, channel: str, now: datetime) -> Notice:
    ident = notice_id(channel, "any", f"q{number}", 1, "firing")
    kind, route = NoticeKind.FIRING, Route.NOW
    return Notice(ident, channel, "any", f"q{number}", 1, kind, "warning", route, now, FACTS)
