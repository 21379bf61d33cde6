"""A server whose clients are slow: real connections, kept half a request long."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from forecast.web.server import server_of

PATIENCE = 20.0  # seconds
HOST = b"host: here\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of a server that waits a second for a head and four for a body."""
    app = FastAPI()

    @app.get("/")
    async def answer() -> str:
        return "well"

    @app.get("/long")
    async def answer_at_length() -> bytes:
        return b"x" * 20_000_000  # more than lies in the buffers between two sockets

    @app.post("/")
    async def take(words: dict[str, str]) -> str:
        return words["word"]

    server = server_of(app, wait=1)
    server.config.port = 0
    thread = threading.Thread(target=server.run)
    thread.start()
    end = time.monotonic() + PATIENCE
    while not server.started and time.monotonic() < end:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = server.force_exit = True
    thread.join()


def said(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """All that comes back until the server hangs up, to parts that are sent with pauses."""
    heard = b""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        try:
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)
            while block := connection.recv(4096):
                heard += block
        except ConnectionError:
            pass
    return heard


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"GET / HTTP/1.1\r\n" + HOST + b"x: ",
        b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 100\r\n\r\n{",
    ],
)
def test_whoever_sends_half_a_request_is_hung_up_on(port: int, half: bytes) -> None:
    assert said(port, half) == b""


def test_a_byte_now_and_then_is_no_longer_time(port: int) -> None:
    drips = [b"GET / HTTP/1.1\r\n" + HOST, *([b"x: y\r\n"] * 20), b"\r\n"]
    assert said(port, *drips, pause=0.1) == b""


def test_half_a_second_request_is_no_longer_time(port: int) -> None:
    whole = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
    assert said(port, whole + b"GET / HT").endswith(b'"well"')


def test_whoever_reads_no_answer_is_hung_up_on(port: int) -> None:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(PATIENCE)
        connection.connect(("127.0.0.1", port))
        whole = b"GET /long HTTP/1.1\r\n" + HOST + b"\r\n"
        with pytest.raises(ConnectionError):
            connection.sendall(whole * 1_000_000)  # more than fits into a pipe nobody empties


def test_what_comes_in_pieces_and_in_time_is_answered(port: int) -> None:
    head = b"POST / HTTP/1.1\r\n" + HOST + b"content-type: application/json\r\n"
    pieces = [head, b"content-length: 16\r\n\r\n", b'{"word"', b': "well"', b"}"]
    assert said(port, *pieces, pause=0.3).endswith(b'"well"')


def test_a_body_is_sent_without_waiting_for_its_head_to_be_acknowledged() -> None:
    """On a socket that somebody else has bound, as that of `serve` is."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        server = server_of(FastAPI())
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            with socket.create_connection(bound.getsockname(), timeout=PATIENCE) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
                assert connection.recv(4096)
                [protocol] = server.server_state.connections
                ours = protocol.transport.get_extra_info("socket")
                assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        finally:
            server.should_exit = server.force_exit = True
            thread.join()
