"""Notices go to the world, and inside the house only where the administrator says so, however an address is written."""

import ipaddress
import socket

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from deskyard.errors import BadInput, StoreUnreachable
from service.notifications.allowed_hosts import CLOUD_METADATA, AllowedHosts, resolve

NOBODY, EVERYBODY = AllowedHosts.parse([]), AllowedHosts.parse(["0.0.0.0/0", "::/0", "host"])
INSIDE = [
    *map(ipaddress.ip_network, ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "100.64.0.0/10"]),
    *map(ipaddress.ip_network, ["::1", "fc00::/7", "fec0::/10"]),
]
NEVER = [
    *map(ipaddress.ip_network, ["0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::"]),
    *map(ipaddress.ip_network, ["fe80::/10", "ff00::/8", *CLOUD_METADATA]),
]
V4 = st.ip_addresses(v=4)


def within(networks):
    def some(network):
        return st.integers(0, network.num_addresses - 1).map(lambda n: network[n])

    return st.sampled_from(networks).flatmap(some)


@given(within(INSIDE))
def test_an_address_inside_is_called_only_where_it_is_named(ip):
    assume(not any(ip in network for network in NEVER))
    assert NOBODY.refusal("host", ip) in ("private", "loopback")
    for entry in (str(ip), f"{ip}/{ip.max_prefixlen - 1}", "host", "HOST."):
        assert AllowedHosts.parse([entry]).refusal("host", ip) == ""
    assert AllowedHosts.parse(["other", "203.0.113.0/24", "2001:db8::/64"]).refusal("host", ip) != ""


@given(within(NEVER))
def test_some_addresses_are_never_called(ip):
    assert NOBODY.refusal("host", ip)
    assert EVERYBODY.refusal("host", ip)


@given(V4)
@example(ipaddress.ip_address("8.8.8.8"))
@example(ipaddress.ip_address("127.0.0.1"))
def test_an_ipv4_address_is_the_same_in_whatever_ipv6_it_is_wrapped(ip):
    number = int(ip)
    wrapped = [0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80]
    for one in map(ipaddress.IPv6Address, wrapped):
        assert NOBODY.refusal("host", one) == NOBODY.refusal("host", ip)
        assert AllowedHosts.parse([str(ip)]).refusal("host", one) == AllowedHosts.parse([str(ip)]).refusal("host", ip)


@given(st.ip_addresses())
@example(ipaddress.ip_address("2002:100::"))
@example(ipaddress.ip_address("2002:a00::"))
def test_what_is_called_without_being_named_is_in_no_network_of_the_house(ip):
    if NOBODY.refusal("host", ip) == "":
        assert (getattr(ip, "sixtofour", None) or getattr(ip, "ipv4_mapped", None) or ip).is_global
        assert not any(ip in network for network in INSIDE + NEVER)


def forms(ip):
    number, parts = int(ip), ip.packed
    return [
        str(ip), str(number), hex(number), f"0{number:o}", ".".join(f"0{part:o}" for part in parts),
        ".".join(map(hex, parts)), f"{parts[0]}.{number & 0xFFFFFF}", f"{parts[0]:#x}.{parts[1]}.{number & 0xFFFF}",
        f"::ffff:{ip}", f"{ip}.",
    ]  # fmt: skip


@given(within([one for one in INSIDE + NEVER if one.version == 4]), st.integers(0, 9))
def test_no_way_of_writing_an_address_gets_around(ip, form):
    written = forms(ip)[form]
    try:
        found = resolve(written, 80, NOBODY)
    except (BadInput, StoreUnreachable):
        return
    raise AssertionError(f"{written} is {found}")


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1", "0177.1", "127.1", "::1", "LOCALHOST."])
def test_names_of_this_machine_are_refused_with_a_hint(host):
    with pytest.raises(BadInput, match="has a loopback address: list it in DESKYARD_NOTIFY_ALLOW"):
        resolve(host, 80, NOBODY)


@pytest.mark.parametrize(
    ("answers", "why"),
    [("10.1.2.3", "private"), ("::ffff:192.168.0.1", "private"), ("127.0.0.9", "loopback"), ("fd00::5", "private"),
     ("169.254.169.254", "cloud metadata"), ("fe80::1", "link-local"), ("0.0.0.0", "unspecified"),
     ("224.0.0.1", "multicast")],
)  # fmt: skip
def test_a_name_is_what_it_leads_to(names, answers, why):
    names["nice.example"] = [answers]
    with pytest.raises(BadInput, match=f"'nice.example' has a {why} address"):
        resolve("nice.example", 443, NOBODY)


def test_of_a_name_with_many_addresses_only_those_are_called_that_may_be(names):
    names["mixed.example"] = ["10.0.0.1 93.184.215.14 127.0.0.1 2606:4700::1111 93.184.215.14"]
    assert resolve("mixed.example", 443, NOBODY) == ["93.184.215.14", "2606:4700::1111"]
    assert resolve("mixed.example", 443, AllowedHosts.parse(["10.0.0.0/8"]))[0] == "10.0.0.1"


def test_a_name_that_nobody_knows_may_be_known_later(monkeypatch):
    def nobody(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    with pytest.raises(StoreUnreachable, match=r"'gone\.example' can't be resolved"):
        resolve("gone.example", 443, NOBODY)


@pytest.mark.parametrize("entry", ["10.0.0.0/99", "", "http://x", "a b", "*"])
def test_an_entry_that_names_nothing_is_refused(entry):
    with pytest.raises(BadInput, match="neither a host nor a network"):
        AllowedHosts.parse([entry])
