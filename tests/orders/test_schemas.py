"""What comes in and goes out about orders, without a database."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from app.orders.models import Currency, OrderItem, OrderStatus
from app.orders.schemas import (
    Money,
    OrderCreate,
    OrderQuery,
    OrderUpdate,
    check_money,
    format_money,
    read_item,
    read_order,
)
from tests.orders.rows import an_order
from tests.orders.shop import a_body, a_line

MONEY: TypeAdapter[str] = TypeAdapter(Money)
TWO_DIGITS = [currency for currency in Currency if currency is not Currency.JPY]


def wrong_places(model: type[OrderCreate | OrderUpdate | OrderQuery], body: Any) -> list[str]:
    with pytest.raises(ValidationError) as refused:
        model.model_validate(body)
    return ["/".join(map(str, error["loc"])) for error in refused.value.errors()]


# ----------------------------------------------------------------------- money


def test_the_currencies_are_those_of_the_contract() -> None:
    assert " ".join(Currency) == "EUR USD GBP CHF SEK NOK DKK PLN CZK JPY"


@pytest.mark.parametrize("currency", TWO_DIGITS)
def test_most_currencies_have_two_digits(currency: Currency) -> None:
    assert format_money(Decimal("1234.5"), currency) == "1234.50"


def test_the_yen_has_no_digits_after_a_point() -> None:
    assert format_money(Decimal("1234.00"), Currency.JPY) == "1234"


@pytest.mark.parametrize("amount", ["0", "0.00", "7", "7.5", "14.00", "9999999999.99"])
def test_money_is_a_plain_decimal_in_a_string(amount: str) -> None:
    assert MONEY.validate_python(amount) == amount


@pytest.mark.parametrize(
    "amount",
    [
        "", ".", ".5", "5.", "1.234", "00", "01.00", "-1.00", "+1.00", "1e3", "1E3", "NaN",
        "Infinity", "0x10", "1_000", "1,00", "1,000.00", " 1.00", "1.00 ", "1.00\n", "\uff11.00",
        "12345678901", "12345678901.00", "1.0.0", "one",
    ],
)  # fmt: skip
def test_money_in_any_other_spelling_is_refused(amount: str) -> None:
    with pytest.raises(ValidationError):
        MONEY.validate_python(amount)


@pytest.mark.parametrize("currency", TWO_DIGITS)
def test_money_may_have_as_many_digits_as_its_currency(currency: Currency) -> None:
    for amount in ("1", "1.2", "1.23"):
        check_money(amount, currency)


@pytest.mark.parametrize("amount", ["1.0", "1.00"])
def test_money_with_more_digits_than_its_currency_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="JPY has 0 digits"):
        check_money(amount, Currency.JPY)


def test_a_line_is_read_with_the_digits_of_its_orders_currency() -> None:
    line = OrderItem(sku="A", name="a", quantity=2, unit_price=Decimal("3.00"))

    assert read_item(line, Currency.EUR).unit_price == "3.00"
    assert read_item(line, Currency.JPY).unit_price == "3"


# --------------------------------------------------------------------- placing


def test_a_body_is_taken_as_it_is() -> None:
    body = a_body(note=" as it is ", items=[a_line(quantity=10_000)])

    assert OrderCreate.model_validate(body).model_dump(mode="json") == body


def test_a_note_may_be_left_out() -> None:
    assert OrderCreate.model_validate(a_body()).note is None


def test_blanks_around_sku_and_name_do_not_count() -> None:
    body = a_body(items=[a_line(sku=" A\n", name="\ta b ")])
    [line] = OrderCreate.model_validate(body).items

    assert (line.sku, line.name) == ("A", "a b")


@pytest.mark.parametrize(
    ("field", "value"),
    [("sku", "x" * 64), ("name", "x" * 200), ("sku", "\U0001f9c0" * 64), ("name", " " + "x" * 200)],
)
def test_text_of_a_line_may_be_as_long_as_it_may_be(field: str, value: str) -> None:
    OrderCreate.model_validate(a_body(items=[a_line(**{field: value})]))


@pytest.mark.parametrize(
    ("field", "value"), [("sku", "x" * 65), ("name", "x" * 201), ("sku", " "), ("name", "")]
)
def test_text_of_a_line_may_be_neither_longer_nor_blank(field: str, value: str) -> None:
    body = a_body(items=[a_line(**{field: value})])

    assert wrong_places(OrderCreate, body) == [f"items/0/{field}"]


def test_a_hundred_lines_are_the_most() -> None:
    lines = [a_line(sku=str(nth)) for nth in range(101)]

    OrderCreate.model_validate(a_body(items=lines[:100]))
    assert wrong_places(OrderCreate, a_body(items=lines)) == ["items"]


@pytest.mark.parametrize("other", ["NW-011", " NW-011 "])
def test_a_sku_stands_once(other: str) -> None:
    body = a_body(items=[a_line(), a_line(sku=other)])

    assert wrong_places(OrderCreate, body) == ["items"]


def test_skus_that_differ_in_case_are_different() -> None:
    body = a_body(items=[a_line(sku="a"), a_line(sku="A")])

    assert len(OrderCreate.model_validate(body).items) == 2


# --------------------------------------------------------------------- changing


def test_what_is_left_out_of_an_update_is_known() -> None:
    assert OrderUpdate.model_validate({}).model_fields_set == set()
    assert OrderUpdate.model_validate({"note": None}).model_fields_set == {"note"}


@pytest.mark.parametrize("field", ["status", "items"])
def test_only_a_note_can_be_taken_away(field: str) -> None:
    assert wrong_places(OrderUpdate, {field: None}) == [field]


@pytest.mark.parametrize(
    "field", ["currency", "number", "version", "owner", "total", "id", "collaborators"]
)
def test_the_rest_of_an_order_cannot_be_changed(field: str) -> None:
    assert wrong_places(OrderUpdate, {field: "x"}) == [field]


@pytest.mark.parametrize("status", OrderStatus)
def test_a_status_comes_as_a_string(status: OrderStatus) -> None:
    assert OrderUpdate.model_validate({"status": status.value}).status is status


# ---------------------------------------------------------------------- asking


def test_a_query_without_parameters_asks_for_fifty() -> None:
    assert OrderQuery.model_validate({}).limit == 50


@pytest.mark.parametrize("limit", ["1", "200"])
def test_a_page_has_1_to_200_orders(limit: str) -> None:
    assert OrderQuery.model_validate({"limit": limit}).limit == int(limit)


@pytest.mark.parametrize("limit", ["0", "-1", "201", "9" * 30])
def test_a_page_of_any_other_size_is_refused(limit: str) -> None:
    assert wrong_places(OrderQuery, {"limit": limit}) == ["limit"]


# --------------------------------------------------------------------- the total


@pytest.mark.parametrize(
    ("currency", "lines", "total"),
    [
        ("EUR", [("A", 12, "14.00")], "168.00"),
        ("EUR", [("A", 3, "0.10"), ("B", 7, "0.10")], "1.00"),
        ("EUR", [(str(nth), 10_000, "9999999999.99") for nth in range(100)], "9999999999990000.00"),
        ("EUR", [("A", 1, "0")], "0.00"),
        ("JPY", [("A", 3, "150")], "450"),
    ],
)
def test_a_total_is_exact(currency: str, lines: list[tuple[str, int, str]], total: str) -> None:
    assert read_order(an_order(*lines, currency=currency)).total == total


def test_an_order_is_read_with_exactly_the_fields_of_the_contract() -> None:
    order = an_order(("A", 2, "3.00"), note="as it is")

    assert read_order(order).model_dump(mode="json") == {
        "id": str(order.id),
        "number": 1001,
        "version": 1,
        "status": "placed",
        "currency": "EUR",
        "note": "as it is",
        "items": [{"sku": "A", "name": "a A", "quantity": 2, "unit_price": "3.00"}],
        "total": "6.00",
        "owner": {"id": str(order.owner_id), "name": "Cleo"},
        "collaborators": [],
        "created_at": "2026-01-31T12:00:00.000000Z",
        "updated_at": "2026-01-31T12:00:00.000000Z",
    }
