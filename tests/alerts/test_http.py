"""One POST against real servers on loopback that hang, drip, redirect and never end."""

import json
import logging
import socket
import ssl
import subprocess
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.address import parse_networks
from alerts.api import Reply
from alerts.channels.http import MOST_BYTES, post
from alerts.testing import Answer, Receiver
from forecast.errors import ConfigError, OutsideError, TocsinError

LOOPBACK = parse_networks(["127.0.0.0/8", "::1/128"])
CANARY = "CANARY0123456789"


def send(url: str, **more: Any) -> Reply:
    return post(url, b"{}", {"content-type": "application/json"}, LOOPBACK, **more)


def test_the_very_bytes_and_headers_arrive_and_the_reply_comes_back() -> None:
    script = [Answer(202, {"Retry-After": "7"}, b"thanks")]
    with Receiver(script=script) as receiver:
        body = json.dumps({"n": "ü"}, ensure_ascii=False).encode()
        reply = post(receiver.url("/x?a=1&b=%20"), body, {"x-one": "1"}, LOOPBACK)
    (got,) = receiver.received
    assert (reply.status, reply.headers["retry-after"], reply.body) == (202, "7", b"thanks")
    assert (got.path, got.body, got.headers["x-one"]) == ("/x?a=1&b=%20", body, "1")
    assert got.headers["host"] == receiver.url("").removeprefix("http://")
    assert got.headers["content-length"] == str(len(body))


def test_the_host_stays_the_name_while_the_literal_address_is_dialled() -> None:
    asked = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    with Receiver() as receiver:
        port = int(receiver.url("").rsplit(":", 1)[1])
        post(f"http://bücher.example:{port}/slack", b"{}", {}, LOOPBACK, resolve=resolve)
    assert asked == [("xn--bcher-kva.example", port)], "resolved once, and only by us"
    assert receiver.received[0].headers["host"] == f"xn--bcher-kva.example:{port}"


def test_matrix_18_a_name_that_turns_to_loopback_is_refused_when_it_is_dialled() -> None:
    """DNS rebinding: what the name meant when it was typed does not count."""
    with Receiver() as receiver:
        port = int(receiver.url("").rsplit(":", 1)[1])
        for answer in (["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["169.254.169.254"]):
            with pytest.raises(ConfigError, match="refused"):
                post(f"http://hook.example:{port}/", b"", {}, (), resolve=lambda *_, a=answer: a)
    assert receiver.received == ()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_matrix_11_a_redirect_to_the_metadata_service_is_not_followed(status: int) -> None:
    with Receiver() as second:
        for place in ("http://169.254.169.254/latest/meta-data/", second.url("/slack")):
            with Receiver(script=[Answer(status, {"location": place})]) as receiver:
                reply = post(receiver.slack_url, b"{}", {}, LOOPBACK)
            assert reply.status == status
            assert len(receiver.received) == 1
    assert second.received == ()


def test_matrix_15_a_receiver_that_hangs_is_left_at_the_deadline() -> None:
    script = [Answer(hang=True)]
    late = pytest.raises(OutsideError, match=r"no full answer within 0\.2 s")
    with Receiver(script=script) as receiver, late:
        send(receiver.slack_url, deadline=0.2)


def test_matrix_15_a_body_that_drips_is_left_at_the_deadline() -> None:
    """Each byte is in time; only the whole is not."""
    drip = Answer(body=b"o" * 1000, drip_seconds=0.05)
    with Receiver(script=[drip]) as receiver:
        with pytest.raises(OutsideError, match="no full answer"):
            send(receiver.slack_url, deadline=0.3)
        assert 1 <= receiver.bytes_sent < 1000


def test_matrix_15_headers_that_drip_are_left_at_the_deadline() -> None:
    drip = raw_server(b"HTTP/1.1 200 OK\r\nx-long: " + b"y" * 1000, pause=0.05)
    with drip as url, pytest.raises(OutsideError, match="no full answer"):
        send(url, deadline=0.3)


def test_matrix_15_of_ten_gigabytes_only_the_first_kilobytes_are_read() -> None:
    with Receiver(script=[Answer(endless=True)]) as receiver:
        reply = send(receiver.slack_url)
        assert len(reply.body) == MOST_BYTES
    assert receiver.bytes_sent < 50_000_000


def test_a_reply_in_full_may_have_exactly_the_most_bytes() -> None:
    with Receiver(script=[Answer(body=b"z" * MOST_BYTES), Answer(body=b"")]) as receiver:
        assert len(send(receiver.slack_url).body) == MOST_BYTES
        assert send(receiver.slack_url).body == b""


def test_matrix_17_a_resolver_that_hangs_is_left_at_the_deadline() -> None:
    gate = threading.Event()

    def resolve(host: str, port: int) -> list[str]:
        gate.wait(10)
        return ["127.0.0.1"]

    with pytest.raises(OutsideError, match="no full answer"):
        send("http://slow.example/", deadline=0.1, resolve=resolve)
    gate.set()


@pytest.mark.parametrize(
    "greeting", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok"]
)
def test_an_answer_that_is_not_http_or_breaks_off_is_a_failure(greeting: bytes) -> None:
    with raw_server(greeting) as url, pytest.raises(OutsideError, match="broke off"):
        send(url)


def test_matrix_17_a_closed_port_and_an_unknown_name_are_failures_of_the_outside() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
        with pytest.raises(OutsideError, match="no connection to the receiver: Connection refused"):
            send(url)

    def nothing(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, f"Name or service not known: {host}")

    def busy(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_AGAIN, f"Temporary failure in name resolution: {host}")

    def empty(host: str, port: int) -> list[str]:
        return []

    for answer in (nothing, busy, empty):
        with pytest.raises(OutsideError, match="does not resolve") as caught:
            send(f"http://{CANARY}.example/", resolve=answer)
        assert_secret_nowhere(caught.value)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (f"ftp://{CANARY}.example/", "does not begin with"),
        (f"{CANARY}", "does not begin with"),
        (f"https:///{CANARY}", "names no host"),
        (f"https://user:{CANARY}@hook.example/", "user name or password"),
        (f"https://{CANARY}@hook.example/", "user name or password"),
        (f"https://hook.example:{CANARY}/", "cannot be read"),
        (f"https://hook.example:99999/{CANARY}", "cannot be read"),
        (f"https://[::1/{CANARY}", "cannot be read"),
        (f"https://hook.example/{CANARY}é", "cannot be read"),
        (f"https://{'a' * 70}.example/{CANARY}", "cannot be read"),
        (f"https://hook.example/{CANARY} x", "a space or a control"),
        (f"https://hook.example/{CANARY}\x00", "a space or a control"),
        (f"http://①②⑦.⓪.⓪.①/{CANARY}", "cannot be read"),
        (f"http://2130706433/{CANARY}", "refused: 127.0.0.1 is not public"),
        (f"http://0x7f.1/{CANARY}", "refused: 127.0.0.1 is not public"),
        (f"http://0177.0.0.1/{CANARY}", "cannot be read"),
        (f"http://127.1/{CANARY}", "refused: 127.0.0.1 is not public"),
        (f"http://0/{CANARY}", "refused: 0.0.0.0 is never dialled"),
        (f"http://localhost:22/{CANARY}", "refused: "),
        (f"http://8.8.8.8:22/{CANARY}", "refused: port 22 is not one of the web's"),
        (f"http://[2606:4700::5efe:a9fe:a9fe]/{CANARY}", "never dialled"),
        (f"http://169.254.169.254\\@8.8.8.8/{CANARY}", "user name or password|never|cannot"),
        (f"http://[fe80::1]/{CANARY}", "never dialled"),
        (f"http://[::ffff:127.0.0.1]/{CANARY}", "refused: 127.0.0.1 is not public"),
        (f"http://[fd00:ec2::254]/{CANARY}", "never dialled"),
        (f"http://[64:ff9b::a9fe:a9fe]/{CANARY}", "never dialled"),
    ],
)
def test_matrix_19_a_bad_url_is_refused_with_a_reason_that_does_not_show_it(
    url: str, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        post(url, b"{}", {}, ())
    assert_secret_nowhere(caught.value)


def test_a_header_that_cannot_be_sent_is_a_failure() -> None:
    with Receiver() as receiver, pytest.raises(TocsinError) as caught:
        post(receiver.slack_url, b"{}", {"x": f"{CANARY}\r\ny: 1"}, LOOPBACK)
    assert_secret_nowhere(caught.value)


def test_the_url_is_in_no_error_no_chain_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    path = f"/services/{CANARY}?token={CANARY}"
    with Receiver(script=[Answer(hang=True), Answer(302, {"location": "/"})]) as receiver:
        with pytest.raises(OutsideError) as caught:
            send(receiver.url(path), deadline=0.1)
        assert_secret_nowhere(caught.value)
        send(receiver.url(path))
    with pytest.raises(OutsideError) as caught:
        send(receiver.url(path))
    assert_secret_nowhere(caught.value)
    assert CANARY not in caplog.text


def assert_secret_nowhere(error: BaseException) -> None:
    """Not in the words, nor in any exception that hangs on this one, nor in the traceback."""
    chain: BaseException | None = error
    while chain is not None:
        assert CANARY not in repr(chain) + str(chain)
        chain = chain.__cause__ or chain.__context__
    assert CANARY not in "".join(traceback.format_exception(error))


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver() as proxy, Receiver() as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url(""))
        send(receiver.slack_url)
    assert (len(proxy.received), len(receiver.received)) == (0, 1)


def test_an_ipv6_receiver_gets_its_host_in_brackets() -> None:
    with raw_server(b"HTTP/1.1 204 No Content\r\n\r\n", host="::1") as url:
        assert send(url).status == 204


@pytest.mark.parametrize(
    ("name", "until", "trusted", "reason"),
    [
        ("127.0.0.1", "2090", False, "self-signed certificate"),
        ("127.0.0.2", "2090", True, "IP address mismatch"),
        ("127.0.0.1", "2021", True, "certificate has expired"),
    ],
)
def test_matrix_16_a_certificate_that_proves_nothing_is_refused_with_its_reason(
    tmp_path: Path, name: str, until: str, trusted: bool, reason: str
) -> None:
    made, key = certificate(tmp_path, name, until)
    tls = ssl.create_default_context(cafile=made) if trusted else None
    refused = pytest.raises(OutsideError, match=f"certificate is refused: {reason}")
    with tls_server(made, key) as url, refused as caught:
        send(url + CANARY, tls=tls)
    assert_secret_nowhere(caught.value)


def test_a_good_certificate_is_taken(tmp_path: Path) -> None:
    made, key = certificate(tmp_path, "127.0.0.1", "2090")
    with tls_server(made, key) as url:
        reply = send(url, tls=ssl.create_default_context(cafile=made))
    assert reply.status == 204


AUTHORITY = """
[ca]
default_ca = self
[self]
dir = {folder}
database = $dir/index.txt
new_certs_dir = $dir
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = names
[any]
commonName = supplied
[names]
subjectAltName = IP:{address}
"""


def certificate(folder: Path, address: str, until: str) -> tuple[Path, Path]:
    """A certificate signed by itself, valid until that date, and its key."""
    made, key, asked = folder / "cert.pem", folder / "key.pem", folder / "asked.pem"
    (folder / "index.txt").touch()
    (folder / "ca.cnf").write_text(AUTHORITY.format(folder=folder, address=address))
    for command in (
        f"openssl req -new -newkey rsa:2048 -nodes -subj /CN=x -keyout {key} -out {asked}",
        f"openssl ca -selfsign -batch -notext -config {folder}/ca.cnf -startdate 20200101000000Z"
        f" -enddate {until}0101000000Z -keyfile {key} -in {asked} -out {made}",
    ):
        subprocess.run(command.split(), check=True, capture_output=True)
    return made, key


def tls_server(made: Path, key: Path) -> "raw_server":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    return raw_server(b"HTTP/1.1 204 No Content\r\n\r\n", context=context)


class raw_server:  # noqa: N801 - used as a function in `with`
    """A server for one connection that sends `answer` as it is, byte by byte if it pauses."""

    def __init__(
        self,
        answer: bytes,
        *,
        pause: float = 0.0,
        host: str = "127.0.0.1",
        context: ssl.SSLContext | None = None,
        until: bytes = b"{}",
    ) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, 0), family=family)
        self._host = f"[{host}]" if ":" in host else host
        self._answer, self._pause, self._context = answer, pause, context
        self._until = until
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> str:
        self._thread.start()
        scheme = "https" if self._context else "http"
        return f"{scheme}://{self._host}:{self._socket.getsockname()[1]}/"

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        try:
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            request = b""
            # unread bytes would turn our close into a reset
            while not request.endswith(self._until):
                request += connection.recv(65_536)
            for piece in self._pieces():
                connection.sendall(piece)
                if self._closing.wait(self._pause):
                    break
        except OSError:
            pass  # the client has gone, which is what most of these tests are about
        finally:
            connection.close()

    def _pieces(self) -> Iterator[bytes]:
        if not self._pause:
            yield self._answer
            return
        for byte in self._answer:
            yield bytes([byte])
