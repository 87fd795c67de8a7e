"""The status machine: every step from every status, for staff and for the owner."""

from itertools import product

import pytest

from app.orders.errors import IllegalStatusChange, OrderClosed
from app.orders.models import OrderStatus
from app.orders.status import check_editable, check_move, next_statuses

BY_STAFF = {
    ("placed", "accepted"),
    ("accepted", "preparing"),
    ("preparing", "ready"),
    ("ready", "completed"),
    ("placed", "cancelled"),
    ("accepted", "cancelled"),
    ("preparing", "cancelled"),
    ("ready", "cancelled"),
}
BY_OWNER = {("placed", "cancelled")}

EVERY_MOVE = list(product(OrderStatus, OrderStatus, (True, False)))


@pytest.mark.parametrize(("present", "wanted", "by_staff"), EVERY_MOVE)
def test_a_move_is_allowed_exactly_where_the_contract_has_it(
    present: OrderStatus, wanted: OrderStatus, *, by_staff: bool
) -> None:
    if (present, wanted) in (BY_STAFF if by_staff else BY_OWNER) or present is wanted:
        check_move(present, wanted, by_staff=by_staff)
        return
    with pytest.raises(IllegalStatusChange) as refused:
        check_move(present, wanted, by_staff=by_staff)
    assert refused.value.message == f"An order that is {present} cannot become {wanted}."


@pytest.mark.parametrize(("present", "by_staff"), list(product(OrderStatus, (True, False))))
def test_the_next_statuses_are_all_that_a_move_allows(
    present: OrderStatus, *, by_staff: bool
) -> None:
    allowed = BY_STAFF if by_staff else BY_OWNER

    offered = next_statuses(present, by_staff=by_staff)

    assert {(present, status) for status in offered} == {
        move for move in allowed if move[0] == present
    }


@pytest.mark.parametrize("present", ["placed", "accepted", "preparing", "ready"])
def test_an_order_that_is_under_way_can_be_edited(present: str) -> None:
    check_editable(OrderStatus(present))


@pytest.mark.parametrize("present", ["completed", "cancelled"])
def test_a_closed_order_cannot_be_edited(present: str) -> None:
    with pytest.raises(OrderClosed):
        check_editable(OrderStatus(present))
