"""A server on loopback that answers as it is told: well, badly, slowly, or not at all."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

ALLOW = ["127.0.0.0/8"]


@dataclass(frozen=True)
class Said:
    """One answer. With `raw` these bytes are all that is sent; `until` is waited for first."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    until: threading.Event | None = None


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    path: str
    headers: dict[str, str]


type Script = Callable[[Asked], Said]


class FeedServer:
    """`answer` makes each answer; an ETag that comes back is a 304. `asked` are the requests."""

    def __init__(self, answer: Script | Said) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                asked = Asked(self.path, {k.lower(): v for k, v in self.headers.items()})
                server.asked.append(asked)
                said = server.answer if isinstance(server.answer, Said) else server.answer(asked)
                if said.until is not None:
                    said.until.wait(20)
                self.close_connection = True
                if said.raw is not None:
                    self.wfile.write(said.raw)
                    return
                etag = said.headers.get("ETag")
                same = etag is not None and asked.headers.get("if-none-match") == etag
                self.send_response(304 if same else said.status)
                for name, text in said.headers.items():
                    self.send_header(name, text)
                body = b"" if same else said.body
                if "Content-Length" not in said.headers:
                    self.send_header("Content-Length", str(len(body)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
