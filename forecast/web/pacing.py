"""How often a token may ask, and an address be wrong: buckets that fill again by themselves."""

import logging
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from math import ceil

MOST_BUCKETS = 10_000
WRONG, WRONG_PER_MINUTE = 10, 10  # wrong tokens of one address: at once, and in the long run
_SITE = 64  # bits of an IPv6 address that one customer has to himself
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """Whether a request may pass, what is left in the bucket, and seconds until one more may."""

    is_open: bool
    left: int
    wait: int


class Buckets:
    """One bucket for each name: `burst` requests at once, `per_second` in the long run."""

    def __init__(self) -> None:
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, now: float, burst: int, per_second: float) -> Pace:
        """Take one; `now` are seconds on any clock that never goes back.

        >>> buckets = Buckets()
        >>> [buckets.take("a", 0.0, 2, 0.5).is_open for _ in range(3)]
        [True, True, False]
        >>> buckets.take("a", 2.0, 2, 0.5)
        Pace(is_open=True, left=0, wait=2)
        """
        level = self._level(name, now, burst, per_second)
        is_open = level >= 1.0
        level -= 1.0 if is_open else 0.0
        self._levels.pop(name, None)
        self._levels[name] = (level, now)
        if len(self._levels) > MOST_BUCKETS:
            self._levels.popitem(last=False)
        return Pace(is_open, int(level), _wait(level, per_second))

    def look(self, name: str, now: float, burst: int, per_second: float) -> Pace:
        """What taking one would come to; nothing is taken."""
        level = self._level(name, now, burst, per_second)
        return Pace(level >= 1.0, int(level), _wait(level, per_second))

    def _level(self, name: str, now: float, burst: int, per_second: float) -> float:
        level, at = self._levels.get(name, (float(burst), now))
        return min(float(burst), level + max(0.0, now - at) * per_second)


class WrongTokens:
    """How often each address was wrong: whoever guesses has to wait, and is told of once.

    A right token passes whatever others of its address did: behind a proxy all have one, and
    32 random bytes are not guessed.
    """

    def __init__(self, most: int = WRONG) -> None:
        self.most = most
        self._buckets = Buckets()
        self._told: OrderedDict[str, None] = OrderedDict()

    def wait(self, address: str, now: float) -> int:
        """Seconds until an address is told anything of a wrong token again; 0 for at once.

        Where it is told it is counted; a burst is logged when it is slowed down, and not again.
        """
        name = site_of(address)
        before = self._buckets.look(name, now, self.most, WRONG_PER_MINUTE / 60)
        if before.left == self.most:
            self._told.pop(name, None)
        pace = self._buckets.take(name, now, self.most, WRONG_PER_MINUTE / 60)
        if pace.left < 1 and name not in self._told:
            self._tell(name)
        return 0 if pace.is_open else pace.wait

    def _tell(self, name: str) -> None:
        _log.warning("%d wrong tokens from %s: it has to wait from now on", self.most, name)
        self._told[name] = None
        if len(self._told) > MOST_BUCKETS:
            self._told.popitem(last=False)


def site_of(address: str) -> str:
    """Whom an address is counted as: of IPv6 its network, for who has one has them all.

    >>> site_of("192.0.2.7"), site_of("2001:db8:1:2:3::4"), site_of("testclient")
    ('192.0.2.7', '2001:db8:1:2::/64', 'testclient')
    """
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return f"{IPv6Address(int(found) >> _SITE << _SITE)}/{_SITE}"


def _wait(level: float, per_second: float) -> int:
    return 0 if level >= 1.0 else max(1, ceil((1.0 - level) / per_second))
