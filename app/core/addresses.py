"""Where a caller comes from."""

from ipaddress import IPv6Address, ip_address

from starlette.types import Scope

UNKNOWN = "unknown"
HOST_BITS, SITE_BITS = 64, 48


def address_of(scope: Scope) -> str:
    """The client's address, or of IPv6 the network that it can pick its addresses from (/64).

    Whoever cannot be told apart, as over a Unix socket without a proxy's headers, is one caller; so
    are all whose proxy passes on as an address what is none.
    """
    return _network_in(scope, HOST_BITS)


def site_of(scope: Scope) -> str:
    """The same, but of IPv6 the widest network that one line is given (/48)."""
    return _network_in(scope, SITE_BITS)


def _network_in(scope: Scope, bits: int) -> str:
    client = scope.get("client")
    if not client or not client[0]:
        return UNKNOWN
    try:
        address = ip_address(client[0])
    except ValueError:
        return UNKNOWN
    return _network_of(address, bits) if isinstance(address, IPv6Address) else str(address)


def _network_of(address: IPv6Address, bits: int) -> str:
    if address.ipv4_mapped is not None:  # an IPv4 client of a socket that listens on both
        return str(address.ipv4_mapped)
    kept = bits // 8
    return f"{IPv6Address(address.packed[:kept] + bytes(16 - kept))}/{bits}"
