"""The worst moments: processes that are killed, frozen and stopped in mid-send, answers cut off."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest
from standardwebhooks import Webhook as ReferenceVerifier

from alerts.outbox import LEASE, Drained
from alerts.testing import Answer, Received, Receiver
from forecast.clock import utc_now
from forecast.store import Store
from tests.alerts.outbox_samples import SECRET, MakeChannel, Time, drain, only, put

ROOT = Path(__file__).parents[2]
PATIENCE = 30  # seconds after which something that should come has not come

Process = subprocess.Popen[str]


@contextmanager
def sender(
    store_url: str, folder: Path, channel: MakeChannel, at_post: Callable[[Process], None]
) -> Iterator[tuple[Process, Receiver]]:
    """A process that sends what is due to a receiver; with the first POST `at_post` strikes it."""
    processes: list[Process] = []

    def take(received: Received) -> Answer:
        if len(receiver.received) == 1:
            at_post(processes[0])
        return Answer(400 if received.problem else 200)

    receiver = Receiver(SECRET, services={"/webhook": take})
    with receiver:
        channel("siem", "webhook", receiver.webhook_url)
        code = [sys.executable, "-m", "tests.alerts.sender_process", store_url, str(folder)]
        with subprocess.Popen(code, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            processes.append(process)
            try:
                yield process, receiver
            finally:
                process.kill()


def test_killed_between_the_post_and_its_mark_it_is_sent_again_under_the_same_id(
    store: Store, store_url: str, tmp_path: Path, channel: MakeChannel
) -> None:
    """Matrix 2: SIGKILL at the moment of the POST; a new timestamp, and a valid signature."""
    put(store, utc_now(), "siem/1")
    with sender(store_url, tmp_path, channel, Process.kill) as (process, receiver):
        assert process.wait(PATIENCE) == -signal.SIGKILL
        assert only(store).status == "sending"
        table = channel("siem", "webhook", receiver.webhook_url)
        assert drain(store, [table], Time(utc_now())) == Drained(), "still lent"
        assert drain(store, [table], Time(utc_now() + LEASE)) == Drained(sent=1)
    first, again = receiver.received
    assert first.headers["webhook-id"] == again.headers["webhook-id"] == "msg_siem_1"
    assert first.body == again.body
    at = [int(r.headers["webhook-timestamp"]) for r in (first, again)]
    assert at[1] - at[0] >= LEASE.total_seconds()
    assert (first.problem, again.problem) == ("", "")
    assert ReferenceVerifier(SECRET).verify(again.body, dict(again.headers))
    assert only(store).status == "delivered"


def test_frozen_past_its_lease_its_word_no_longer_counts(
    store: Store, store_url: str, tmp_path: Path, channel: MakeChannel
) -> None:
    """Matrix 5: SIGSTOP in mid-send; another process sends; resumed, the first marks nothing."""
    put(store, utc_now(), "siem/1")
    is_frozen = threading.Event()

    def freeze(process: Process) -> None:
        process.send_signal(signal.SIGSTOP)
        is_frozen.set()

    with sender(store_url, tmp_path, channel, freeze) as (process, receiver):
        assert is_frozen.wait(PATIENCE)
        table = channel("siem", "webhook", receiver.webhook_url)
        assert drain(store, [table], Time(utc_now() + LEASE), "other") == Drained(sent=1)
        process.send_signal(signal.SIGCONT)
        said, _ = process.communicate(timeout=PATIENCE)
        assert (process.returncode, json.loads(said)["sent"]) == (0, 0)
    assert [r.headers["webhook-id"] for r in receiver.received] == ["msg_siem_1"] * 2
    (attempt,) = store.attempts("msg_siem_1")
    assert (attempt.attempt, attempt.token, attempt.outcome) == (2, 2, "delivered")


def test_asked_to_stop_in_mid_send_it_ends_that_and_gives_the_rest_back(
    store: Store, store_url: str, tmp_path: Path, channel: MakeChannel
) -> None:
    """Matrix 6: SIGTERM; the answer comes after that."""
    put(store, utc_now(), *(f"siem/{n}" for n in range(3)))

    def ask(process: Process) -> None:
        process.send_signal(signal.SIGTERM)
        while not (tmp_path / "stopping").exists() and process.poll() is None:
            time.sleep(0.01)

    with sender(store_url, tmp_path, channel, ask) as (process, receiver):
        said, _ = process.communicate(timeout=PATIENCE)
        assert (process.returncode, json.loads(said)["sent"]) == (0, 1)
        assert len(receiver.received) == 1
        rows = [(d.status, d.attempts) for d in store.deliveries()]
        assert rows == [("delivered", 1), ("due", 0), ("due", 0)]
        table = channel("siem", "webhook", receiver.webhook_url)
        assert drain(store, [table], Time(utc_now())) == Drained(sent=2), "no lease to wait for"


BEGINS = b"HTTP/1.1 200 OK\r\ncontent-length: "


@pytest.mark.parametrize(
    ("answer", "is_taken"),
    [
        pytest.param(BEGINS + b"2\r\n\r\nok" + BEGINS + b"2\r\n\r\nno", True, id="twice"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nok", True, id="no-length"),
        pytest.param(BEGINS + b"100\r\n\r\nok", False, id="cut-off-in-its-body"),
        pytest.param(BEGINS, False, id="cut-off-in-its-head"),
        pytest.param(b"", False, id="none"),
    ],
)
def test_an_answer_that_comes_twice_counts_once_and_one_that_is_cut_off_does_not_count(
    outbox: Store, channel: MakeChannel, answer: bytes, is_taken: bool
) -> None:
    """Matrix 23: whether it was taken is then not known, so it is sent again."""
    ids, clock = list[str](), Time()

    class Server(StreamRequestHandler):
        def handle(self) -> None:
            head = iter(self.rfile.readline, b"\r\n")
            fields = dict(line.lower().split(b": ", 1) for line in head if b": " in line)
            self.rfile.read(int(fields[b"content-length"]))
            ids.append(fields[b"webhook-id"].strip().decode())
            self.wfile.write(answer)

    with ThreadingTCPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        table = channel("siem", "webhook", f"http://127.0.0.1:{server.server_address[1]}/")
        put(outbox, clock.now, "siem/1")
        drain(outbox, [table], clock)
        assert only(outbox).status == ("delivered" if is_taken else "due")
        clock.pass_by(timedelta(minutes=1))
        drain(outbox, [table], clock)
        server.shutdown()
    assert ids == ["msg_siem_1"] * (1 if is_taken else 2)
