"""Where a caller comes from."""

from ipaddress import IPv6Address

from starlette.types import Scope

UNKNOWN = "unknown"


def address_of(scope: Scope) -> str:
    """The client's address, or of IPv6 the network that it can pick its addresses from (/64).

    Whoever cannot be told apart, as over a Unix socket without a proxy's headers, is one caller.
    """
    client = scope.get("client")
    if not client or not client[0]:
        return UNKNOWN
    host: str = client[0]
    return _network_of(host) if ":" in host else host


def _network_of(host: str) -> str:
    try:
        address = IPv6Address(host)
    except ValueError:
        return host
    if address.ipv4_mapped is not None:  # an IPv4 client of a socket that listens on both
        return str(address.ipv4_mapped)
    return f"{IPv6Address(address.packed[:8] + bytes(8))}/64"
