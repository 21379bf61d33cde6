"""The server itself: an application on a socket that somebody else has bound."""

import socket

import uvicorn
from fastapi import FastAPI

from forecast.web.punctual import PunctualProtocol

AT_ONCE = 500  # connections, those that idle among them; more are told to come again
WAIT = 15  # seconds for the head of a request, and between two; see PunctualProtocol
GRACE = 10  # seconds for what is being answered when it is to stop


def run(app: FastAPI, bound: socket.socket) -> None:
    """Answer until SIGTERM."""
    server_of(app).run(sockets=[bound])


def server_of(app: FastAPI, wait: int = WAIT) -> uvicorn.Server:
    """The server; nothing of what is asked is logged, as addresses may be secret."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        http=PunctualProtocol,
        ws="none",
        limit_concurrency=AT_ONCE,
        timeout_keep_alive=wait,
        timeout_graceful_shutdown=GRACE,
    )
    return uvicorn.Server(config)
