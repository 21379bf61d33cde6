"""How a request goes, by the scheme of its URL: over HTTP, as mail, into a feed, into the log."""

from collections.abc import Callable, Mapping, Sequence

from alerts.address import Network
from alerts.api import Reply
from alerts.channels import atom, http, log, smtp

Transport = Callable[[str, bytes, Mapping[str, str], Sequence[Network], float], Reply]

BY_SCHEME: dict[str, Transport] = {
    "http": http.post,
    "https": http.post,
    "smtp": smtp.send,
    "smtps": smtp.send,
    atom.SCHEME: atom.publish,
    log.SCHEME: log.write,
}


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    allow: Sequence[Network] = (),
    deadline: float = http.DEADLINE_SECONDS,
) -> Reply:
    """Send one request and return the reply, within `deadline` seconds in all.

    Raises ConfigError where it may not be sent as it stands, and OutsideError where nothing
    answers; neither holds the URL.
    """
    scheme = url.partition(":")[0].lower()
    # whatever has no transport of its own is refused by that of the web, in its words
    return BY_SCHEME.get(scheme, http.post)(url, body, headers, allow, deadline)
