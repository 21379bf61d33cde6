"""Standard Webhooks 1.0.0, symmetric: HMAC-SHA256 over `id.timestamp.body`.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
The signature is over the very bytes that are sent. Several secrets sign side by side while
a key is rotated.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from forecast.errors import ConfigError, InputError

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64
TOLERANCE = timedelta(minutes=5)


def parse_secrets(text: str, at: str) -> tuple[bytes, ...]:
    """The keys in `text`: one `whsec_...`, or several with spaces between, newest first.

    ConfigError says what is wrong with which one, and never the secret.
    """
    words = text.split()
    if not words:
        raise ConfigError("the signing secret is empty", at=at)
    return tuple(_parse_secret(word, at) for word in words)


def sign(secrets: Sequence[bytes], delivery_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of one attempt made `at` that moment."""
    if "." in delivery_id:
        raise ValueError(f"delivery id '{delivery_id}' has a dot, which Standard Webhooks forbids")
    timestamp = str(int(at.timestamp()))
    signatures = (_signature(secret, delivery_id, timestamp, body) for secret in secrets)
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def verify(
    secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: datetime
) -> None:
    """Check a signed request as its receiver does; InputError says why it is refused.

    `headers` has lower-case names.
    """
    try:
        delivery_id, timestamp, items = (
            headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature")
        )
    except KeyError as error:
        raise InputError(f"the header {error.args[0]} is missing") from None
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11):
        raise InputError("the webhook-timestamp is not a whole number of seconds")
    if abs(now - datetime.fromtimestamp(int(timestamp), UTC)) > TOLERANCE:
        raise InputError("the webhook-timestamp is more than 5 minutes away")
    given = [item.removeprefix("v1,").encode() for item in items.split() if item.startswith("v1,")]
    expected = [_signature(s, delivery_id, timestamp, body).encode() for s in secrets]
    if not any(hmac.compare_digest(one, other) for one in given for other in expected):
        raise InputError("no signature matches the body")


def _signature(secret: bytes, delivery_id: str, timestamp: str, body: bytes) -> str:
    content = f"{delivery_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()


def _parse_secret(word: str, at: str) -> bytes:
    if not word.startswith(PREFIX):
        raise ConfigError(f"the signing secret does not begin with {PREFIX}", at=at)
    key = _decode(word.removeprefix(PREFIX))
    if key is None:
        raise ConfigError(f"the signing secret is not base64 after {PREFIX}", at=at)
    if not SHORTEST <= len(key) <= LONGEST:
        raise ConfigError(
            f"the signing secret has {len(key)} bytes; it needs {SHORTEST} to {LONGEST}", at=at
        )
    return key


def _decode(text: str) -> bytes | None:
    """The bytes, or None; returned and not raised, as the error would carry the secret."""
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
