import pytest

from app.core.addresses import UNKNOWN, address_of, site_of


@pytest.mark.parametrize(
    ("client", "address"),
    [
        (("192.0.2.7", 1234), "192.0.2.7"),
        (["192.0.2.7", 1234], "192.0.2.7"),
        (("::ffff:192.0.2.7", 1234), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 1234), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 1234), "fe80::/64"),
        (("::1", 1234), "::/64"),
        (("a:b", 1234), UNKNOWN),
        (("a-proxy's-own-text" * 1000, 1234), UNKNOWN),
        (("", 0), UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_an_address_is_what_a_caller_cannot_choose_freely(client: object, address: str) -> None:
    assert address_of({"type": "http", "client": client}) == address


@pytest.mark.parametrize(
    ("client", "site"),
    [
        (("192.0.2.7", 1234), "192.0.2.7"),
        (("::ffff:192.0.2.7", 1234), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 1234), "2001:db8:1::/48"),
        (("2001:db8:1:ff02:3:4:5:6", 1234), "2001:db8:1::/48"),
        (None, UNKNOWN),
    ],
)
def test_a_site_is_what_one_line_may_have_in_all(client: object, site: str) -> None:
    assert site_of({"type": "http", "client": client}) == site


def test_a_scope_without_a_client_is_somebody_unknown() -> None:
    assert address_of({"type": "http"}) == UNKNOWN
