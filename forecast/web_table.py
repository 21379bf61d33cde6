"""The table `[web]` of watch.toml: where the API answers, to whom, and how much of it."""

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from forecast.alert_tables import Table

_OURS = ("localhost", "127.0.0.1", "[::1]")


class Web(Table):
    """Where the web server listens, and its limits.

    A token may make `burst` requests at once and `per_minute` in the long run. `public_url` is
    the address under which others see it, `allowed_hosts` further names that they may call it
    by (shell patterns, "*" any). `max_body` is the longest body in bytes, after which reading
    stops. Of the questions that fit `public_badges` and `public_feeds` everybody may see the badge,
    and read in the feeds.
    """

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8321, ge=0, le=65_535)
    public_url: str = ""
    allowed_hosts: list[str] = Field(default=[])
    public_metrics: bool = False
    public_badges: list[str] = Field(default=[])
    public_feeds: list[str] = Field(default=[])
    per_minute: int = Field(default=600, ge=1, le=1_000_000)
    burst: int = Field(default=120, ge=1, le=1_000_000)
    max_body: int = Field(default=16 << 20, ge=1_000, le=1 << 30)

    def hosts(self) -> list[str]:
        """The names of hosts that it answers to, in lower case, without a port."""
        own = [self.host, urlsplit(self.public_url).hostname or "", *_OURS]
        return [name.lower() for name in (*own, *self.allowed_hosts) if name]

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, text: str) -> str:
        if text and not text.startswith(("http://", "https://")):
            raise ValueError(f"'{text}' is not an address that begins with https://")
        return text.rstrip("/")
