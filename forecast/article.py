"""A text that somebody published: what sources bring and the tagger reads."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Article:
    """One published text, plain and without markup.

    `article_id` names it for ever (a feed's guid, a URL, or a digest of its content); `known_at`
    is when it was published, and at the latest when we first saw it. `source` is the outlet,
    `origin` the newsroom it draws on where that is stated; `reliability` is the outlet's Admiralty
    grade, A to F.
    """

    article_id: str
    title: str
    text: str
    known_at: datetime
    source: str = ""
    origin: str = ""
    url: str = ""
    language: str = ""
    reliability: str = "F"

    def __post_init__(self) -> None:
        if not self.article_id.strip():
            raise ValueError("article_id is empty")
        if self.known_at.tzinfo is None:
            raise ValueError(f"known_at {self.known_at.isoformat()} has no time zone")
