"""What an edit changes."""

from typing import Any

import pytest

from app.core.errors import InvalidRequest
from app.orders.changes import Changed, apply_update, check_item_money
from app.orders.models import Currency, Order
from app.orders.schemas import OrderItemWrite, OrderUpdate
from tests.orders.rows import a_line_read, an_order
from tests.orders.shop import a_line

A, B = ("A", 1, "1.00"), ("B", 2, "2.00")


def lines(*given: tuple[str, int, str]) -> list[dict[str, Any]]:
    """As they are sent."""
    return [a_line_read(*line) for line in given]


def change(order: Order, **body: Any) -> Changed:
    return apply_update(order, OrderUpdate.model_validate(body))


def test_nothing_sent_changes_nothing() -> None:
    order = an_order(A, note="as it was")

    assert change(order) == {}
    assert order.note == "as it was"


def test_what_is_the_same_is_no_change() -> None:
    order = an_order(A, B, note="as it was")

    assert change(order, status="placed", note="as it was", items=lines(A, B)) == {}


def test_a_change_tells_the_old_value_and_the_new() -> None:
    order = an_order(A, note="before")

    assert change(order, status="accepted", note="after") == {
        "status": ("placed", "accepted"),
        "note": ("before", "after"),
    }
    assert (order.status, order.note) == ("accepted", "after")


@pytest.mark.parametrize(("old", "new"), [("a note", None), (None, "a note"), (None, "")])
def test_a_note_can_be_made_and_taken_away(old: str | None, new: str | None) -> None:
    assert change(an_order(A, note=old), note=new) == {"note": (old, new)}


def test_a_new_line_has_no_old_value() -> None:
    order = an_order(A)

    assert change(order, items=lines(A, B)) == {"items/B": (None, a_line_read(*B))}


def test_a_line_that_is_gone_has_no_new_value() -> None:
    order = an_order(A, B)

    assert change(order, items=lines(B)) == {"items/A": (a_line_read(*A), None)}
    assert [item.sku for item in order.items] == ["B"]


@pytest.mark.parametrize("field", [{"quantity": 9}, {"name": "another"}, {"unit_price": "9.99"}])
def test_a_line_is_compared_by_all_that_it_has(field: dict[str, Any]) -> None:
    new = {**a_line_read(*A), **field}

    assert change(an_order(A, B), items=[new, a_line_read(*B)]) == {
        "items/A": (a_line_read(*A), new)
    }


def test_a_line_that_stays_keeps_its_row() -> None:
    order = an_order(A, B)
    row = order.items[1]

    change(order, items=lines(("C", 1, "1.00"), ("B", 7, "2.00")))

    assert order.items[1] is row
    assert row.quantity == 7


def test_an_amount_in_another_spelling_is_no_change() -> None:
    assert change(an_order(A), items=[a_line_read("A", 1, "1")]) == {}


def test_the_same_lines_in_another_order_are_no_change() -> None:
    order = an_order(A, B)

    assert change(order, items=lines(B, A)) == {}
    assert [item.sku for item in order.items] == ["A", "B"]


def test_lines_stand_in_the_order_in_which_they_were_sent() -> None:
    order = an_order(A, B)

    change(order, items=lines(B, ("C", 1, "1.00"), A))

    assert [(item.sku, item.position) for item in order.items] == [("B", 0), ("C", 1), ("A", 2)]


def test_a_line_of_an_order_in_yen_changes_without_digits() -> None:
    order = an_order(("A", 1, "150.00"), currency="JPY")

    assert change(order, items=lines(("A", 1, "200"))) == {
        "items/A": (a_line_read("A", 1, "150"), a_line_read("A", 1, "200"))
    }


def test_money_that_the_currency_does_not_have_is_told_by_line() -> None:
    given = [
        a_line(sku=str(nth), unit_price=price) for nth, price in enumerate(("1", "1.5", "1.50"))
    ]
    items = [OrderItemWrite.model_validate(line) for line in given]

    with pytest.raises(InvalidRequest) as refused:
        check_item_money(items, Currency.JPY)

    pointers = [error.pointer for error in refused.value.errors]
    assert pointers == ["/items/1/unit_price", "/items/2/unit_price"]
