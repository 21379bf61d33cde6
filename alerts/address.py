"""Which addresses may be dialled: the guard against server-side request forgery.

A webhook URL is typed by a user, and its name may resolve to anything by the time we dial.
So the name is resolved once, every address is judged, and the literal address is dialled
(`alerts.channels.http`, `alerts.channels.smtp`). Public addresses are free; private ones need
a network in the channel's `allow`; where credentials are served (cloud metadata) nothing helps.

`ipaddress` alone is not enough: `is_global` lets through IPv4 addresses wrapped in IPv6,
multicast, and metadata services on public addresses.
"""

import queue
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from forecast.errors import ConfigError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], list[str]]


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports that are dialled anywhere: the usual ones of a service, and those from `free` on.

    On others something else listens, and an address that is not in `allow` is none to try.
    """

    whose: str
    usual: tuple[int, ...]
    free: int = 65_536


WEB = Ports("the web's", (80, 443), 1024)
MAIL = Ports("mail's", (25, 465, 587, 2525))

_NEVER: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # "this network"; Linux dials 0.0.0.0 as loopback
        "169.254.0.0/16",  # link-local, and the metadata service of most clouds
        "100.100.100.200/32",  # Alibaba's metadata
        "168.63.129.16/32",  # Azure's host agent
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata is 192.0.0.192
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "::ffff:0:0:0/96",  # IPv4-translated, see below
        "64:ff9b:1::/48",  # NAT64 by local rules
        "2001::/32",  # Teredo
        "2002::/16",  # 6to4
        "fe80::/10",  # link-local
        "fd00:ec2::/32",  # Amazon's metadata and DNS
        "fd20:ce::/32",  # Google's metadata
        "fd00:c1::/32",  # Oracle's metadata
        "fd00:42::/32",  # Scaleway's metadata
        "fd00:a9fe:a9fe::/48",  # Linode's metadata
        "ff00::/8",  # multicast
    )
)
# IPv4-compatible, all but ::1. Like the other disguises above it may carry the address of a
# metadata service; no receiver lives there (RFC 4291, 2.5.5.1; RFC 7526; RFC 8215).
_NEVER += tuple(IPv6Network("::/96").address_exclude(IPv6Network("::1/128")))
_ON_REQUEST: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "100.64.0.0/10",  # carrier-grade NAT
        "192.88.99.0/24",  # 6to4 relays
        "3fff::/20",  # documentation
    )
)
# All else of IPv6 is unassigned, local, or IPv4 in disguise.
_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
# The third quarter of an ISATAP address, whose last is an IPv4 one, under any prefix; the bit of
# 0x0200 says that it is unique in the world (RFC 5214, 6.1).
_ISATAP = 0x0000_5EFE
_WORLDWIDE = 0x0200_0000


def refusal(address: Address, allow: Sequence[Network] = ()) -> str | None:
    """Why this address may not be dialled, or None.

    >>> refusal(ip_address("93.184.215.14")) is None
    True
    >>> refusal(ip_address("::ffff:127.0.0.1"))
    '127.0.0.1 is not public; a network in `allow` would open it'
    >>> refusal(ip_address("127.0.0.1"), [ip_network("127.0.0.0/8")]) is None
    True
    """
    address = _unwrap(address)
    if is_within(address, _NEVER) or _is_isatap(address):
        return f"{address} is never dialled"
    if is_within(address, allow):
        return None
    if not _is_public(address):
        return f"{address} is not public; a network in `allow` would open it"
    return None


def system_resolver(host: str, port: int) -> list[str]:
    """All addresses of a name, as the machine's own resolver gives them; raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def resolve_within(seconds: float, resolve: Resolver, host: str, port: int) -> list[str]:
    """The addresses of a name; TimeoutError after `seconds`, OSError where it has none.

    The system's resolver knows no timeout, so it is left behind in a daemon thread.
    """
    answers: queue.Queue[list[str] | OSError] = queue.Queue()

    def ask() -> None:
        try:
            answers.put(resolve(host, port))
        except (OSError, UnicodeError) as error:
            answers.put(OSError(str(error)))

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def choose_address(
    host: str,
    port: int,
    allow: Sequence[Network],
    resolve: Resolver = system_resolver,
    ports: Ports = WEB,
) -> str:
    """The one literal address to dial for `host`; ConfigError where any is refused.

    A name with one good and one bad address is refused: which one is dialled must not be
    the attacker's choice. Raises OSError where the name does not resolve.
    """
    addresses = [ip_address(text) for text in resolve(host, port)]
    if not addresses:
        raise OSError("the name has no address")
    for address in addresses:
        if reason := refusal(address, allow):
            raise ConfigError(f"the address is refused: {reason}")
        is_free = port in ports.usual or port >= ports.free
        if not is_free and not is_allowed(address, allow):
            raise ConfigError(f"the address is refused: port {port} is not one of {ports.whose}")
    return str(addresses[0])


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """The networks of a channel's `allow`."""
    return tuple(ip_network(text) for text in texts)


def is_allowed(address: Address, allow: Sequence[Network]) -> bool:
    """Whether a network in `allow` names what the address reaches."""
    return is_within(_unwrap(address), allow)


def is_within(address: Address, networks: Sequence[Network]) -> bool:
    """Whether one of the networks holds it."""
    return any(address in network for network in networks)


def _unwrap(address: Address) -> Address:
    """The IPv4 address that is reached where an IPv6 one stands for it."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_isatap(address: Address) -> bool:
    third = int(address) >> 32 & 0xFFFF_FFFF
    return isinstance(address, IPv6Address) and third & ~_WORLDWIDE == _ISATAP


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    return address.is_global and not is_within(address, _ON_REQUEST)
