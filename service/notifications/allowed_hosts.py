"""Where notices may go: to the world, and inside the house only where the administrator says so.

In comes a host that somebody wrote into a URL; out go the IP addresses behind it that may be called. Whoever connects
takes these and asks no name server again, so a name that changes its address in between (DNS rebinding) gains nothing.
Whatever form an address is written in, it is judged by the bytes that come out.
"""

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from deskyard.errors import BadInput, StoreUnreachable

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

CLOUD_METADATA: Final = frozenset(
    map(
        ipaddress.ip_address,
        (
            "169.254.169.254",  # AWS, Google, Azure, OpenStack and most others
            "169.254.170.2",  # AWS, of a container
            "fd00:ec2::254",  # AWS
            "fd20:ce::254",  # Google
            "100.100.100.200",  # Alibaba
            "168.63.129.16",  # Azure, of a machine
            "192.0.0.192",  # Oracle
        ),
    )
)
"""Where a cloud tells a machine its own credentials."""

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_THIS_NETWORK: Final = ipaddress.ip_network("0.0.0.0/8")
_HOST: Final = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,252}[a-z0-9_])?")
_MAX_ADDRESSES: Final = 4
"""Addresses of one name that are tried."""


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """The hosts and networks inside the house to which notices may go."""

    hosts: frozenset[str]
    networks: tuple[Network, ...]

    @classmethod
    def parse(cls, entries: Sequence[str]) -> "AllowedHosts":
        """What a list of hosts, addresses and networks says. Raises BadInput.

        >>> AllowedHosts.of(["mail.internal", "10.0.0.0/8", "127.0.0.1"]).hosts
        frozenset({'mail.internal'})
        >>> AllowedHosts.of(["10.0.0.0/99"])
        Traceback (most recent call last):
        deskyard.errors.BadInput: '10.0.0.0/99' is neither a host nor a network: write mail.internal, or 10.0.0.0/8
        """
        hosts, networks = set(), []
        for entry in entries:
            name = entry.strip().lower().rstrip(".")
            try:
                networks.append(ipaddress.ip_network(name, strict=False))
            except ValueError:
                if not _HOST.fullmatch(name) or "/" in name:
                    said = f"{entry[:60]!r} is neither a host nor a network"
                    raise BadInput(f"{said}: write mail.internal, or 10.0.0.0/8") from None
                hosts.add(name)
        return cls(frozenset(hosts), tuple(networks))

    def refusal(self, host: str, ip: IP) -> str:
        """Why a host at that address may not be called; empty where it may.

        >>> nobody = AllowedHosts.of([])
        >>> nobody.refusal("x", ipaddress.ip_address("93.184.215.14")), nobody.refusal("x", ipaddress.ip_address("::1"))
        ('', 'loopback')
        """
        found = _embedded_ipv4(ip)
        if found in CLOUD_METADATA:
            return "cloud metadata"
        for kind in ("link_local", "multicast", "unspecified"):
            if getattr(found, f"is_{kind}"):
                return kind.replace("_", "-")
        if not found.is_loopback and (found.is_reserved or found in _THIS_NETWORK):
            return "reserved"
        inside = not found.is_global or getattr(found, "is_site_local", False)
        if not inside or host in self.hosts or any(found in network or ip in network for network in self.networks):
            return ""
        return "loopback" if found.is_loopback else "private"


def resolve(host: str, port: int, allowed: AllowedHosts) -> list[str]:
    """The addresses of a host that may be called, in the order in which to try them.

    Raises BadInput where none may be, and StoreUnreachable for a name that is not known now.
    """
    name = host.lower().rstrip(".")
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise StoreUnreachable(f"there is no address for {host[:100]!r} now", 60.0) from error
    good, why = [], "no"
    for *_, place in found:
        text = str(place[0])
        refused = allowed.refusal(name, ipaddress.ip_address(text))
        why = refused or why
        if not refused and text not in good:
            good.append(text)
    if not good:
        known = "" if why in ("loopback", "private") else ", which is never called"
        more = "" if known else ": name it in DESKYARD_NOTIFY_ALLOW if notices may go there"
        raise BadInput(f"{host[:100]!r} has a {why} address{known}{more}")
    return good[:_MAX_ADDRESSES]


def _embedded_ipv4(ip: IP) -> IP:
    """The IPv4 address that an IPv6 one leads to, where it does."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip.sixtofour is not None:
        return ip.sixtofour
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip


def is_inside(ip: str) -> bool:
    """Whether a checked address is inside the house."""
    return not _embedded_ipv4(ipaddress.ip_address(ip)).is_global


def is_loopback(ip: str) -> bool:
    """Whether a checked address is this very machine."""
    return _embedded_ipv4(ipaddress.ip_address(ip)).is_loopback
