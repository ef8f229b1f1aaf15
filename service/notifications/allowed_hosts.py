"""The hosts to which notices may be sent: public ones, and private ones that the administrator allows.

`resolve` returns the IP addresses that may be called. Connections are made to these addresses without another DNS
lookup, so a name whose address changes in between (DNS rebinding) gains nothing. Addresses are checked in binary form,
so their notation does not matter.
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
"""Addresses at which clouds hand out credentials to a machine."""

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_THIS_NETWORK: Final = ipaddress.ip_network("0.0.0.0/8")
_HOST: Final = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,252}[a-z0-9_])?")
_MAX_ADDRESSES: Final = 4
"""Most addresses of a name that are tried."""


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """The private hosts and networks to which notices may be sent."""

    hosts: frozenset[str]
    networks: tuple[Network, ...]

    @classmethod
    def parse(cls, entries: Sequence[str]) -> "AllowedHosts":
        """Parse a list of hosts, addresses and networks. Raises BadInput.

        >>> AllowedHosts.parse(["mail.internal", "10.0.0.0/8", "127.0.0.1"]).hosts
        frozenset({'mail.internal'})
        >>> AllowedHosts.parse(["10.0.0.0/99"])
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
                    raise BadInput(
                        f"{entry[:60]!r} is neither a host nor a network: write mail.internal, or 10.0.0.0/8"
                    ) from None
                hosts.add(name)
        return cls(frozenset(hosts), tuple(networks))

    def refusal(self, host: str, ip: IP) -> str:
        """Why a host at that address may not be called; empty if it may.

        >>> public = AllowedHosts.parse([])
        >>> public.refusal("x", ipaddress.ip_address("93.184.215.14")), public.refusal("x", ipaddress.ip_address("::1"))
        ('', 'loopback')
        """
        address = _embedded_ipv4(ip)
        if address in CLOUD_METADATA:
            return "cloud metadata"
        for kind in ("link_local", "multicast", "unspecified"):
            if getattr(address, f"is_{kind}"):
                return kind.replace("_", "-")
        if not address.is_loopback and (address.is_reserved or address in _THIS_NETWORK):
            return "reserved"
        private = not address.is_global or getattr(address, "is_site_local", False)
        if not private or host in self.hosts or any(address in network or ip in network for network in self.networks):
            return ""
        return "loopback" if address.is_loopback else "private"


def resolve(host: str, port: int, allowed: AllowedHosts) -> list[str]:
    """The addresses of a host that may be called, in the order in which to try them.

    Raises BadInput if none may be called, and StoreUnreachable if the name can't be resolved now.
    """
    name = host.lower().rstrip(".")
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise StoreUnreachable(f"{host[:100]!r} can't be resolved now", 60.0) from error
    addresses, refusal = [], "no"
    for *_, socket_address in found:
        text = str(socket_address[0])
        refused = allowed.refusal(name, ipaddress.ip_address(text))
        refusal = refused or refusal
        if not refused and text not in addresses:
            addresses.append(text)
    if not addresses:
        if refusal in ("loopback", "private"):
            advice = ": list it in DESKYARD_NOTIFY_ALLOW if notices may be sent there"
        else:
            advice = ", to which notices are never sent"
        raise BadInput(f"{host[:100]!r} has a {refusal} address{advice}")
    return addresses[:_MAX_ADDRESSES]


def _embedded_ipv4(ip: IP) -> IP:
    """The IPv4 address that is embedded in an IPv6 address (mapped, 6to4, NAT64), else the address itself."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip.sixtofour is not None:
        return ip.sixtofour
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip


def is_private(ip: str) -> bool:
    """Whether a checked address is private."""
    return not _embedded_ipv4(ipaddress.ip_address(ip)).is_global


def is_loopback(ip: str) -> bool:
    """Whether a checked address is this machine."""
    return _embedded_ipv4(ipaddress.ip_address(ip)).is_loopback
