"""[[sources]]: from where facts and articles are brought in, how often, and how they are read."""

import re
from datetime import timedelta
from ipaddress import ip_network
from typing import Annotated, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from forecast.alert_tables import Table
from forecast.fields import Days, Identifier, PositiveDays, SecretReference
from forecast.words import parse_days

type Brings = Literal[
    "articles", "reports", "events", "questions", "crowd", "resolutions", "exposure"
]

ARTICLES = "articles"
# Header fields that are no secret; all others are given by reference.
OPEN_HEADERS = ("accept", "accept-language", "user-agent")
LEAST_EVERY = timedelta(seconds=10)  # so that nobody is asked without a pause
_SECRET_WORD = re.compile(r"key|token|secret|passw|auth|signature|credential", re.IGNORECASE)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def _reference_or_url(text: str) -> str:
    """A URL, or a reference to one that holds a key; ValueError where a key stands in clear."""
    if text.startswith(("env:", "file:")):
        return text
    try:
        parts = urlsplit(text)
        names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    except ValueError:
        raise ValueError("is no URL that can be read") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(
            "is neither a URL such as https://host/feed.xml, nor env:NAME or file:PATH"
        )
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds a user name or password; give the URL by reference, or a `token`")
    secret = next((name for name in names if _SECRET_WORD.search(name)), None)
    if secret is not None:
        raise ValueError(
            f"'{secret}' looks like a key in clear; take it out, and put it under `query` by "
            "reference (env:NAME or file:PATH)"
        )
    return text


def _every(text: str) -> str:
    if timedelta(days=parse_days(text)) < LEAST_EVERY:
        raise ValueError(f"'{text}' is less than 10 seconds")
    return text


SourceUrl = Annotated[str, AfterValidator(_reference_or_url)]


class SourceTable(Table):
    """One source of facts or articles.

    `kind` is an entry point of `tocsin.sources`. Where the kind asks over HTTP it asks the `url`
    every so often, with `query`, `headers` and `token` (sent as a bearer token) by reference;
    `allow` lists private networks that may be dialled. A `folder` is watched, by its path in the
    watch's folder or elsewhere.

    `brings` says what its items are. `rows` is the path to the array of items; `mapping` says
    which of their fields is which of our columns, `constants` what a column always is, `values`
    how the words of a column are translated, items whose word is not listed being passed over.
    `times` is how times are written: iso, utc (iso, in UTC where no zone is given), unix, unix-ms
    or a pattern of strptime. `unit`, `tag`, `definition`, `reliability` and `outlet` are what
    rows without these have; `outlet` is the source that reports and articles name.

    `tagging`: articles go to the tagger; otherwise each is a report of `tag` at `unit`. It is
    silent when nothing new came for `expected_gap`. At most `size_limit` megabytes are read of an
    answer. `lookback` is how far the first question reaches back, of kinds that ask by time.
    """

    id: Identifier
    kind: str
    url: SourceUrl | None = None
    folder: str | None = None
    every: Annotated[str, AfterValidator(_every)] = "15 minutes"
    expected_gap: PositiveDays | None = None
    brings: Brings | None = None
    rows: str = ""
    mapping: dict[str, str] = Field(default={})
    constants: dict[str, str] = Field(default={})
    values: dict[str, dict[str, str]] = Field(default={})
    times: str = "iso"
    unit: str = ""
    tag: str = ""
    definition: str = ""
    reliability: Literal["A", "B", "C", "D", "E", "F"] = "F"
    outlet: str = ""
    tagging: bool = True
    query: dict[str, SecretReference] = Field(default={})
    headers: dict[str, str] = Field(default={})
    token: SecretReference | None = None
    allow: list[str] = Field(default=[])
    size_limit: float = Field(default=20.0, gt=0.0, le=1000.0)
    lookback: Days = "1 day"

    @field_validator("allow")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        for text in value:
            try:
                ip_network(text)
            except ValueError:
                raise ValueError(f"'{text}' is not a network such as 10.0.0.0/8") from None
        return value

    @field_validator("headers")
    @classmethod
    def _by_reference(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError(f"'{name}' is no name of a header field")
            is_reference = text.startswith(("env:", "file:")) and bool(text.partition(":")[2])
            if not is_reference and name.lower() not in OPEN_HEADERS:
                raise ValueError(f"{name} is given by reference: env:NAME or file:PATH")
        return value

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        for column in self.constants:
            if column in self.mapping:
                raise ValueError(f"the column {column} is both mapped and constant")
        if not (self.tagging or (self.unit and self.tag)):
            raise ValueError("without tagging each article is a report: it needs a unit and a tag")
        return self

    @property
    def most_bytes(self) -> int:
        """How much of an answer is read."""
        return int(self.size_limit * 1_000_000)
