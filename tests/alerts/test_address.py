"""Which addresses may be dialled: row 19 of the failure matrix and its kin."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.address import choose_address, parse_networks, refusal, system_resolver
from forecast.errors import ConfigError

NEVER = """
    0.0.0.0 0.1.2.3 169.254.169.254 169.254.0.1 100.100.100.200 168.63.129.16 192.0.0.192
    224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 :: fe80::1 fe80::1%eth0 fd00:ec2::254
    fd20:ce::254 ff02::1 ::ffff:169.254.169.254 ::ffff:0.0.0.0 64:ff9b::a9fe:a9fe
    ::169.254.169.254 ::127.0.0.1 ::8.8.8.8 ::2 ::ffff:0:169.254.169.254 ::ffff:0:127.0.0.1
    64:ff9b:1::a9fe:a9fe 64:ff9b:1:a9fe:a9:fe00:: 2002:a9fe:a9fe::1 2002:7f00:1::
    2001:0:a9fe:a9fe::1 2001::5601:5601 2001:0:1::1
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


def test_a_network_in_allow_opens_itself_only() -> None:
    allow = [ip_network("10.1.0.0/16")]
    assert refusal(ip_address("10.1.2.3"), allow) is None
    assert refusal(ip_address("::ffff:10.1.2.3"), allow) is None
    assert refusal(ip_address("10.2.0.1"), allow)
    assert refusal(ip_address("127.0.0.1"), allow)


@given(st.ip_addresses())
def test_every_address_gets_an_answer(address: object) -> None:
    assert refusal(address, EVERYTHING) is None or refusal(address)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "0", "localhost", "0x7f000001"]
)
def test_every_spelling_of_loopback_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match="refused"):
        choose_address(host, 443, (), system_resolver)


def test_a_name_with_one_bad_address_among_good_ones_is_refused() -> None:
    for answer in (["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"], ["8.8.8.8", "fe80::1"]):
        with pytest.raises(ConfigError, match="refused"):
            choose_address("mixed.example", 443, (), lambda *_, a=answer: a)


def test_the_first_of_good_addresses_is_chosen() -> None:
    answer = ["2606:4700::1111", "8.8.8.8"]
    assert choose_address("good.example", 443, (), lambda *_: answer) == answer[0]


@pytest.mark.parametrize("port", [22, 25, 53, 79, 81, 444, 1023])
def test_ports_of_other_services_need_an_allowed_network(port: int) -> None:
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
