"""What comes in and what goes out of the receiver."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver is to answer. `hang`: nothing, for ever; `endless`: a body without end;
    `drip_seconds`: the pause after each byte of the body.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    hang: bool = False
    endless: bool = False
    drip_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Received:
    """One request: header names in lower case, `problem` why it would be refused, or ""."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    problem: str = ""

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


Service = Callable[[Received], Answer]
"""Answers the requests of one path as the real service would."""
