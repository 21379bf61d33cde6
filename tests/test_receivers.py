"""The receivers of docs/receivers.md take what is genuine, and nothing else."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from alerts.api import Endpoint, Request
from alerts.channels.webhook import Webhook
from alerts.testing import sample_facts
from forecast.clock import utc_now

PAGE = (Path(__file__).parents[1] / "docs" / "receivers.md").read_text()
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_b29vb29vb29vb29vb29vb29vb29vb29vb29vb28="
NOBODYS = "whsec_" + "A" * 32
type Check = Callable[[str, dict[str, str], bytes], bool]


def block(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    assert found, name
    return found[1]


def run(*names: str) -> dict[str, Any]:
    """The names that blocks of the page define."""
    known: dict[str, Any] = {}
    for name in names:
        exec(block(name), known)
    return known


@pytest.fixture(params=["package", "standard"])
def is_genuine(request: pytest.FixtureRequest) -> Check:
    known = run(request.param)
    if request.param == "standard":
        check: Check = known["is_genuine"]
        return check
    return lambda *told: known["event_of"](*told) is not None


def a_message(secret: str = f"{OTHER_SECRET} {SECRET}", name: str = "nasty") -> Request:
    channel = Webhook(Endpoint("siem", "https://x.example/", secret))
    return channel.request(sample_facts()[name], "msg_1", utc_now())


def test_a_message_of_ours_is_taken_with_either_of_two_secrets(is_genuine: Check) -> None:
    sent = a_message()
    for secret in (SECRET, OTHER_SECRET):
        assert is_genuine(secret, dict(sent.headers), sent.body)


def test_what_is_forged_altered_or_late_is_not(is_genuine: Check) -> None:
    sent = a_message()
    headers = dict(sent.headers)
    late = headers | {"webhook-timestamp": str(int(time.time()) - 301)}
    other = headers | {"webhook-id": "msg_2"}
    assert not is_genuine(NOBODYS, headers, sent.body)
    assert not is_genuine(SECRET, headers, sent.body + b" ")
    assert not is_genuine(SECRET, late, sent.body)
    assert not is_genuine(SECRET, other, sent.body)


def test_checking_takes_ten_lines() -> None:
    for name in ("package", "standard"):
        lines = [line for line in block(name).splitlines() if line.strip()]
        assert len(lines) <= 10, name


@pytest.fixture
def address() -> Iterator[str]:
    """The whole receiver of the page, listening."""
    known = run("standard", "server")
    known["SECRET"] = SECRET
    known["Receiver"].log_message = lambda *_: None
    with known["server"](0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_the_whole_receiver_says_each_event_once_and_refuses_others(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = a_message(name="firing")
    for _ in range(2):
        answer = httpx.post(address, content=sent.body, headers=dict(sent.headers))
        assert answer.status_code == 204
    forged = a_message(NOBODYS)
    answer = httpx.post(address, content=forged.body, headers=dict(forged.headers))
    assert answer.status_code == 401
    assert capsys.readouterr().out.count("tocsin.alert.firing") == 1
