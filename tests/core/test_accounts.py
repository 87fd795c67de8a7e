"""What the address and the password of an account may be."""

import pytest

from app.core import accounts
from app.core.accounts import check_password, parse_email


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("cleo@tandem.example", "cleo@tandem.example"),
        ("  Cleo@Tandem.Example\n", "Cleo@Tandem.Example"),
        ("cleo@somewhere.test", "cleo@somewhere.test"),
        ("cleo@xn--bcher-kva.example", "cleo@bücher.example"),
        ("cle\u0301o@tandem.example", "cl\u00e9o@tandem.example"),
    ],
)
def test_address_is_kept_as_given_in_one_spelling(given: str, kept: str) -> None:
    assert parse_email(given) == kept


@pytest.mark.parametrize(
    "given", ["", "cleo", "@tandem.example", "a b@tandem.example", "a@b", "Cleo <a@b.example>"]
)
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_email(given)


def test_what_is_far_too_long_is_refused_before_it_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(accounts, "validate_email", None)
    with pytest.raises(ValueError, match="at most 254"):
        parse_email("a" * 1_000_000)


@pytest.mark.parametrize("length", [8, 128])
def test_a_password_of_a_fitting_length_is_taken(length: int) -> None:
    check_password("p" * length)


@pytest.mark.parametrize("length", [7, 129])
def test_a_password_that_is_too_short_or_too_long_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="not 8 to 128 characters"):
        check_password("p" * length)
