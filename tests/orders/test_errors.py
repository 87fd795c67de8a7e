"""The problems of orders: each with a status and a code of its own."""

import pytest

from app.core.errors import STATUS_CODES, AppError
from app.orders import errors
from app.orders.errors import OrderChanged
from app.orders.schemas import ConflictRead, read_order
from tests.orders.rows import NOON, an_order

ERRORS = [
    error
    for error in vars(errors).values()
    if isinstance(error, type)
    and issubclass(error, AppError)
    and error.__module__ == errors.__name__
]


def test_statuses_and_codes_are_those_of_the_contract() -> None:
    assert {(error.code, int(error.status)) for error in ERRORS} == {
        ("order_not_found", 404),
        ("order_forbidden", 403),
        ("illegal_status_change", 409),
        ("order_closed", 409),
        ("order_not_placed", 409),
        ("shared_with_owner", 409),
        ("too_many_collaborators", 409),
        ("invalid_etag", 400),
        ("if_match_required", 428),
        ("order_changed", 412),
    }


@pytest.mark.parametrize("error", ERRORS)
def test_a_code_is_none_of_those_that_every_feature_has(error: type[AppError]) -> None:
    assert error.code not in STATUS_CODES.values()


def test_a_changed_order_comes_with_what_it_is_now_and_what_conflicts() -> None:
    current = read_order(an_order(("A", 1, "1.00")))
    conflict = ConflictRead(field="note", base=None, yours="a", theirs="b", by=None, at=NOON)

    error = OrderChanged(current, [conflict])

    assert error.extra == {
        "current": current.model_dump(mode="json"),
        "conflicts": [
            {
                "field": "note",
                "base": None,
                "yours": "a",
                "theirs": "b",
                "by": None,
                "at": "2026-01-31T12:00:00.000000Z",
            }
        ],
    }
