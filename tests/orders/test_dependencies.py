"""If-Match, as callers may write it."""

import pytest

from app.orders.dependencies import parse_if_match
from app.orders.errors import IfMatchRequired, InvalidETag


@pytest.mark.parametrize(
    ("header", "version"),
    [('"7"', 7), (' "7" ', 7), ('W/"7"', 7), ('"1"', 1), (f'"{10**18 - 1}"', 10**18 - 1)],
)
def test_an_etag_of_ours_names_a_version(header: str, version: int) -> None:
    assert parse_if_match(header) == {version}


@pytest.mark.parametrize(
    ("header", "versions"),
    [
        ('"1", "2"', {1, 2}),
        ('"2","1"\t,  "2"', {1, 2}),
        ('"x,y", "7", W/"8", "09", W/"x"', {7, 8}),
    ],
)
def test_of_a_list_all_etags_of_ours_would_do(header: str, versions: set[int]) -> None:
    assert parse_if_match(header) == versions


@pytest.mark.parametrize("header", ["*", " * "])
def test_a_star_stands_for_whatever_there_is(header: str) -> None:
    assert parse_if_match(header) is None


def test_a_missing_header_is_asked_for() -> None:
    with pytest.raises(IfMatchRequired):
        parse_if_match(None)


@pytest.mark.parametrize(
    "header",
    ['W/"seven"', 'W/"07"', '"seven"', '""', '"0"', '"07"', '"-7"', f'"{10**18}"', '"x", "y"'],
)
def test_an_etag_that_no_order_ever_had_matches_no_version(header: str) -> None:
    assert parse_if_match(header) == set()


@pytest.mark.parametrize(
    "header",
    [
        "7",
        "",
        " ",
        '"7',
        '7"',
        "'7'",
        'w/"7"',
        "W/7",
        '" 7"',
        '"7" "8"',
        '*, "7"',
        "**",
        '"\u0667"',
        ",",
    ],
)
def test_what_is_no_etag_is_refused(header: str) -> None:
    with pytest.raises(InvalidETag):
        parse_if_match(header)
