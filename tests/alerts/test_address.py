"""Which addresses may be dialled: row 19 of the failure matrix and its kin."""

import socket
import threading
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.address import (
    MAIL,
    choose_address,
    parse_networks,
    refusal,
    resolve_within,
    system_resolver,
)
from forecast.errors import ConfigError

NEVER = """
    0.0.0.0 0.1.2.3 169.254.169.254 169.254.0.1 100.100.100.200 168.63.129.16 192.0.0.192
    224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 :: fe80::1 fe80::1%eth0 fd00:ec2::254
    fd20:ce::254 ff02::1 ::ffff:169.254.169.254 ::ffff:0.0.0.0 64:ff9b::a9fe:a9fe
    ::169.254.169.254 ::127.0.0.1 ::8.8.8.8 ::2 ::ffff:0:169.254.169.254 ::ffff:0:127.0.0.1
    64:ff9b:1::a9fe:a9fe 64:ff9b:1:a9fe:a9:fe00:: 2002:a9fe:a9fe::1 2002:7f00:1::
    2001:0:a9fe:a9fe::1 2001::5601:5601 2001:0:1::1
    169.254.170.2 169.254.170.23 169.254.42.42 fd00:ec2::23 fd00:c1::a9fe:a9fe fd00:42::42
    fd00:a9fe:a9fe::1 2606:4700::5efe:a9fe:a9fe 2606:4700::200:5efe:7f00:1 2001:db8::5efe:a00:1
    fe80::5efe:a9fe:a9fe fd12::5efe:8.8.8.8
""".split()  # noqa: SIM905 - readable
ON_REQUEST = """
    127.0.0.1 127.1.2.3 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1
    100.127.255.255 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 192.88.99.1 ::1
    ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b::a00:1
    2001:db8::1 3fff::1 fc00::1 fd12:3456::1 fec0::1 100::1 5f00::1
""".split()  # noqa: SIM905 - readable
PUBLIC = """
    8.8.8.8 93.184.215.14 172.32.0.1 100.63.255.255 100.128.0.1 169.253.0.1 223.255.255.255
    2606:4700::1111 2001:4860:4860::8888 ::ffff:8.8.8.8 64:ff9b::808:808
    2606:4700::5eff:a9fe:a9fe 2606:4700::1:5efe:a9fe:a9fe 2606:4700:5efe::1
""".split()  # noqa: SIM905 - readable
# What two other senders of webhooks test their guards with, typed anew: those that they refuse,
# and those that they let through. (svix/svix-webhooks, webhook_http_client.rs `is_allowed_test`;
# the metadata services of the `BlockMetadataEndpoints` tables of Go senders)
SVIX_REFUSES = """
    10.254.0.0 192.168.10.65 172.16.10.65 0.1.2.3 0.0.0.0 127.0.0.1 169.254.45.1 255.255.255.255
    192.0.2.255 198.51.100.65 203.0.113.6 100.100.0.0 192.0.0.0 192.0.0.255 250.10.20.30
    198.18.0.0 ::1 ::ffff:127.0.0.1 ::ffff:0.0.0.1
""".split()  # noqa: SIM905 - readable
SVIX_ALLOWS = ["1.1.1.1", "2001:4860:4860::8888", "::ffff:8.8.8.8"]
METADATA = """
    169.254.169.254 100.100.100.200 fd00:ec2::254 fd00:ec2:0:0:0:0:0:254 169.254.170.2
    ::ffff:169.254.169.254 ::ffff:100.100.100.200 64:ff9b::a9fe:a9fe 2002:a9fe:a9fe::
""".split()  # noqa: SIM905 - readable
# Inside of networks that Python's `is_global` judges by table: their first and last address.
EDGES = """
    10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.255.255.255 172.16.0.0 172.31.255.255
    192.168.0.0 192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.0 203.0.113.255 ::ffff:a00:0
    2001:db8:: 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff 3fff:fff:: fdff:ffff::1
""".split()  # noqa: SIM905 - readable
EVERYTHING = parse_networks(["0.0.0.0/0", "::/0"])


@pytest.mark.parametrize("text", NEVER)
def test_metadata_link_local_and_multicast_are_never_dialled(text: str) -> None:
    assert "never" in (refusal(ip_address(text), EVERYTHING) or "")


@pytest.mark.parametrize("text", ON_REQUEST)
def test_private_addresses_need_a_network_in_allow(text: str) -> None:
    assert "not public" in (refusal(ip_address(text)) or "")
    assert refusal(ip_address(text), EVERYTHING) is None


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_free(text: str) -> None:
    assert refusal(ip_address(text)) is None


@pytest.mark.parametrize("text", [*SVIX_REFUSES, *METADATA, *EDGES])
def test_matrix_19_what_others_refuse_is_refused(text: str) -> None:
    assert refusal(ip_address(text))


@pytest.mark.parametrize("text", METADATA)
def test_matrix_19_metadata_is_refused_though_everything_is_allowed(text: str) -> None:
    assert "never" in (refusal(ip_address(text), EVERYTHING) or "")


@pytest.mark.parametrize("text", SVIX_ALLOWS)
def test_what_others_let_through_goes_through(text: str) -> None:
    assert refusal(ip_address(text)) is None


@given(st.ip_addresses(v=4), st.integers(0, 2**64 - 1), st.booleans())
def test_an_ipv4_address_in_disguise_is_judged_as_itself_or_never_dialled(
    inner: IPv4Address, prefix: int, is_worldwide: bool
) -> None:
    """Mapped and NAT64 stand for it; all other forms are used by nobody but attackers."""
    number, alone = int(inner), refusal(inner, EVERYTHING)
    for stands_for in (0xFFFF << 32, 0x64FF9B << 96):
        assert refusal(IPv6Address(stands_for | number), EVERYTHING) == alone
        assert refusal(IPv6Address(stands_for | number)) == refusal(inner)
    isatap = (0x0200 if is_worldwide else 0) << 48 | 0x5EFE << 32
    disguised = [
        IPv6Address(0xFFFF << 48 | number << 0),
        IPv6Address(0x2002 << 112 | number << 80 | prefix & 0xFFFF),
        IPv6Address(0x20010000 << 96 | number << 64 | ~number & 0xFFFFFFFF),
        IPv6Address(0x64FF9B0001 << 80 | number),
        IPv6Address(prefix << 64 | isatap | number),
    ]
    for address in disguised:
        assert "never" in (refusal(address, EVERYTHING) or ""), address


def test_a_network_in_allow_opens_itself_only() -> None:
    allow = [ip_network("10.1.0.0/16")]
    assert refusal(ip_address("10.1.2.3"), allow) is None
    assert refusal(ip_address("::ffff:10.1.2.3"), allow) is None
    assert refusal(ip_address("10.2.0.1"), allow)
    assert refusal(ip_address("127.0.0.1"), allow)


@given(st.ip_addresses())
def test_every_address_gets_an_answer(address: object) -> None:
    assert refusal(address, EVERYTHING) is None or refusal(address)  # type: ignore[arg-type]


SPELLINGS = """
    2130706433 0x7f.1 0177.0.0.1 127.1 0 localhost 0x7f000001 017700000001 127.0.1 0x0
    0x7f.0x0.0x0.0x1 ::1 0:0:0:0:0:0:0:1 ::ffff:127.0.0.1 ::ffff:7f00:1 LOCALHOST 0xA9FEA9FE
    2852039166 0251.0376.0251.0376 169.254.43518 fe80::1%lo
""".split()  # noqa: SIM905 - readable


@pytest.mark.parametrize("host", SPELLINGS)
def test_matrix_19_every_spelling_is_judged_by_the_address_that_it_means(host: str) -> None:
    with pytest.raises(ConfigError, match="refused"):
        choose_address(host, 443, (), system_resolver)


def test_matrix_18_a_name_with_one_bad_address_among_good_ones_is_refused() -> None:
    for answer in (["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"], ["8.8.8.8", "fe80::1"]):
        with pytest.raises(ConfigError, match="refused"):
            choose_address("mixed.example", 443, (), lambda *_, a=answer: a)


def test_matrix_18_each_dial_judges_the_answer_of_its_own_time() -> None:
    """A resolver that says something else when it is asked again: rebinding."""
    answers = [["8.8.8.8"], ["127.0.0.1"], ["169.254.169.254"], ["8.8.8.8"]]
    asked = partial(choose_address, "rebind.example", 443, (), lambda *_: answers.pop(0))
    assert asked() == "8.8.8.8"
    for _ in range(2):
        with pytest.raises(ConfigError, match="refused"):
            asked()
    assert asked() == "8.8.8.8"


def test_the_first_of_good_addresses_is_chosen() -> None:
    answer = ["2606:4700::1111", "8.8.8.8"]
    assert choose_address("good.example", 443, (), lambda *_: answer) == answer[0]


@pytest.mark.parametrize("port", [22, 25, 53, 79, 81, 444, 1023])
def test_matrix_19_ports_of_other_services_need_an_allowed_network(port: int) -> None:
    with pytest.raises(ConfigError, match=f"port {port}"):
        choose_address("x.example", port, (), lambda *_: ["8.8.8.8"])
    allow = [ip_network("10.0.0.0/8")]
    assert choose_address("x.example", port, allow, lambda *_: ["10.0.0.1"]) == "10.0.0.1"


@pytest.mark.parametrize("port", [80, 443, 1024, 8443])
def test_web_ports_are_free(port: int) -> None:
    assert choose_address("x.example", port, (), lambda *_: ["8.8.8.8"]) == "8.8.8.8"


def test_a_name_without_an_address_does_not_resolve() -> None:
    with pytest.raises(OSError, match="no address"):
        choose_address("x.example", 443, (), lambda *_: [])


@pytest.mark.parametrize("port", [25, 465, 587, 2525])
def test_ports_of_mail_are_free_for_mail(port: int) -> None:
    assert choose_address("x.example", port, (), lambda *_: ["8.8.8.8"], MAIL) == "8.8.8.8"


@pytest.mark.parametrize("port", [22, 80, 443, 1025, 8025])
def test_other_ports_are_not(port: int) -> None:
    with pytest.raises(ConfigError, match=f"port {port} is not one of mail's"):
        choose_address("x.example", port, (), lambda *_: ["8.8.8.8"], MAIL)
    allow = [ip_network("10.0.0.0/8")]
    assert choose_address("x.example", port, allow, lambda *_: ["10.0.0.1"], MAIL) == "10.0.0.1"


def test_matrix_17_a_resolver_that_hangs_or_fails_is_an_error_of_the_outside() -> None:
    gate = threading.Event()

    def hang(host: str, port: int) -> list[str]:
        gate.wait(10)
        return ["8.8.8.8"]

    def busy(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    with pytest.raises(TimeoutError):
        resolve_within(0.05, hang, "slow.example", 443)
    gate.set()
    with pytest.raises(OSError, match="Temporary failure"):
        resolve_within(5, busy, "busy.example", 443)
    with pytest.raises(OSError, match="label"):
        resolve_within(5, system_resolver, f"{'a' * 70}.example", 443)
