"""Bodies as they should not be: each gets a clean answer, and the next request works."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import Response

from tests.application import Person
from tests.orders.shop import ORDERS, Json, Shop, a_body, a_line, pointers, problem

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 1024 * 1024

WRONG_LINES: dict[str, list[Any]] = {
    "quantity": [
        0, -1, 10_001, 1.5, 1.0, 1e3, 10**30, -(10**30),
        False, True, "1", "", None, [], {}, [1],
    ],
    "unit_price": [
        14, 14.0, 0, -1, True, False, None, [], {},
        "1e3", "NaN", "Infinity", "-1.00", "+1.00", "1,00", "01.00", "", ".5", "5.",
        " 1.00", "1.00 ", "1.00\n", "1.234", "12345678901.00", "9" * 400, "\u0661.00",
    ],
    "sku": [7, True, None, [], {}, "", " ", "x" * 65, "a\x00b", "\u200b", "a\u202eb"],
    "name": [7, True, None, [], {}, "", "\n", "x" * 201, "\x00", "\u200b", "\u2067a"],
    "colour": ["red"],
}  # fmt: skip

WRONG_ORDERS: dict[str, list[Any]] = {
    "currency": ["eur", "XXX", "", " EUR", "EUR ", None, 7, True, ["EUR"]],
    "note": ["x" * 2001, "a\x00b", 7, True, [], {}],
    "items": [[], {}, None, "x", 7, [None], [[]], ["x"]],
    **{name: ["x"] for name in ("status", "id", "number", "version", "owner", "__proto__")},
}

SURROGATES = {
    "/note": json.dumps(a_body(note="N")).replace('"N"', '"a\\ud800b"'),
    "/items/0/sku": json.dumps(a_body(items=[a_line(sku="S")])).replace('"S"', '"\\udfff"'),
    "/items/0/name": json.dumps(a_body(items=[a_line(name="N")])).replace('"N"', '"\\ud800"'),
    "/items/0/unit_price": json.dumps(a_body()).replace('"14.00"', '"1\\ud800"'),
    "/currency": json.dumps(a_body()).replace('"EUR"', '"\\ud800"'),
}

MALFORMED = {
    "nothing but blanks": b"  ",
    "cut short": b'{"currency":"EUR"',
    "two documents": b"{} {}",
    "a trailing comma": b'{"currency":"EUR",}',
    "single quotes": b"{'currency':'EUR'}",
    "a comment": b"{} // done",
    "a control character": b'{"note":"\x01"}',
    "not UTF-8": b'{"currency":"EUR","note":"\xff\xfe"}',
    "UTF-8 cut in two": b'{"note":"\xc3"}',
    "deep lists": b"[" * 100_000,
    "deep lists, closed": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "a deep list in its place": b'{"currency":"EUR","items":'
    + b"[" * 50_000
    + b"]" * 50_000
    + b"}",
    "a number of 5,000 digits": b'{"quantity":' + b"9" * 5_000 + b"}",
    "zeroes": b"\x00" * 100,
    **{
        number: json.dumps(a_body(items=[a_line(quantity=float(number))])).encode()
        for number in ("NaN", "Infinity", "-Infinity")
    },
}

WRONG_KINDS = {
    "null": b"null", "a string": b'"order"', "a list": b"[]", "a number": b"1", "true": b"true",
    "a list of orders": json.dumps([a_body()]).encode(),
}  # fmt: skip


def each(wrong: dict[str, list[Any]]) -> list[tuple[str, Any]]:
    return [(field, value) for field, values in wrong.items() for value in values]


async def send(shop: Shop, person: Person, content: bytes, **headers: str) -> Response:
    given = {"Content-Type": "application/json", **person.headers}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    return await shop.client.post(ORDERS, content=content, headers=given)


async def refuses(
    shop: Shop, person: Person, answer: Response, status: int = 422, code: str = "invalid_request"
) -> Json:
    """The problem, which left nothing behind and does not stand in the way of what comes next."""
    body = problem(answer, status, code)
    assert "Traceback" not in answer.text
    assert (await shop.page(person))["items"] == []
    await shop.place(person)
    return body


# --------------------------------------------------------------- one wrong place


@pytest.mark.parametrize(("field", "value"), each(WRONG_LINES))
async def test_a_line_with_a_wrong_field_is_refused(
    shop: Shop, cleo: Person, field: str, value: Any
) -> None:
    body = a_body(items=[a_line(sku="first"), a_line(**{field: value})])
    answer = await shop.client.post(ORDERS, json=body, headers=cleo.headers)

    await refuses(shop, cleo, answer)
    assert pointers(answer) == [f"/items/1/{field}"]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("unit_price", "14,00", "must be an amount such as 14.00, below 10 billion"),
        ("name", "\u200b", "must hold a character that can be seen"),
        ("sku", "a\x00b", "must hold neither NUL nor half of a surrogate pair"),
    ],
)
async def test_what_is_wrong_with_a_field_is_said_in_words_of_ours(
    shop: Shop, cleo: Person, field: str, value: str, message: str
) -> None:
    body = a_body(items=[a_line(**{field: value})])
    answer = await shop.client.post(ORDERS, json=body, headers=cleo.headers)

    assert answer.json()["errors"] == [{"pointer": f"/items/0/{field}", "message": message}]


@pytest.mark.parametrize(("field", "value"), each(WRONG_ORDERS))
async def test_an_order_with_a_wrong_field_is_refused(
    shop: Shop, cleo: Person, field: str, value: Any
) -> None:
    answer = await shop.client.post(ORDERS, json=a_body(**{field: value}), headers=cleo.headers)

    await refuses(shop, cleo, answer)
    assert all(pointer.startswith(f"/{field}") for pointer in pointers(answer))


@pytest.mark.parametrize("field", ["sku", "name", "quantity", "unit_price"])
async def test_a_line_without_a_field_is_refused(shop: Shop, cleo: Person, field: str) -> None:
    line = {name: value for name, value in a_line().items() if name != field}
    answer = await shop.client.post(ORDERS, json=a_body(items=[line]), headers=cleo.headers)

    await refuses(shop, cleo, answer)
    assert pointers(answer) == [f"/items/0/{field}"]


@pytest.mark.parametrize("field", ["currency", "items"])
async def test_an_order_without_a_field_is_refused(shop: Shop, cleo: Person, field: str) -> None:
    body = {name: value for name, value in a_body().items() if name != field}
    answer = await shop.client.post(ORDERS, json=body, headers=cleo.headers)

    await refuses(shop, cleo, answer)
    assert pointers(answer) == [f"/{field}"]


@pytest.mark.parametrize("amount", ["1.5", "1.50", "1.00"])
async def test_money_with_more_digits_than_the_currency_is_refused(
    shop: Shop, cleo: Person, amount: str
) -> None:
    body = a_body(currency="JPY", items=[a_line(unit_price=amount)])
    answer = await shop.client.post(ORDERS, json=body, headers=cleo.headers)

    await refuses(shop, cleo, answer)
    assert pointers(answer) == ["/items/0/unit_price"]


@pytest.mark.parametrize("other", ["NW-011", " NW-011", "NW-011\n"])
async def test_a_sku_that_stands_twice_is_refused(shop: Shop, cleo: Person, other: str) -> None:
    body = a_body(items=[a_line(), a_line(sku=other)])
    answer = await shop.client.post(ORDERS, json=body, headers=cleo.headers)

    await refuses(shop, cleo, answer)
    assert pointers(answer) == ["/items"]


async def test_a_line_too_many_is_refused(shop: Shop, cleo: Person) -> None:
    lines = [a_line(sku=str(nth)) for nth in range(101)]
    answer = await shop.client.post(ORDERS, json=a_body(items=lines), headers=cleo.headers)

    await refuses(shop, cleo, answer)
    assert pointers(answer) == ["/items"]


@pytest.mark.parametrize("pointer", SURROGATES)
async def test_half_of_a_surrogate_pair_is_refused_in_every_text(
    shop: Shop, cleo: Person, pointer: str
) -> None:
    answer = await send(shop, cleo, SURROGATES[pointer].encode())

    await refuses(shop, cleo, answer)
    assert set(pointers(answer)) == {pointer}


async def test_half_of_a_surrogate_pair_is_refused_in_bytes_too(shop: Shop, cleo: Person) -> None:
    body = json.dumps(a_body(note="N")).encode().replace(b'"N"', b'"\xed\xa0\x80"')
    answer = await send(shop, cleo, body)

    await refuses(shop, cleo, answer)
    assert pointers(answer) == ["/note"]


async def test_half_of_a_surrogate_pair_is_refused_as_the_name_of_a_field(
    shop: Shop, cleo: Person
) -> None:
    body = json.dumps(a_body(x=1)).replace('"x"', '"\\ud800"')

    await refuses(shop, cleo, await send(shop, cleo, body.encode()))


# ------------------------------------------------------------------ bytes and types


@pytest.mark.parametrize("kind", MALFORMED)
async def test_what_is_no_json_is_a_bad_request(shop: Shop, cleo: Person, kind: str) -> None:
    answer = await send(shop, cleo, MALFORMED[kind])

    await refuses(shop, cleo, answer, 400, "bad_request")


@pytest.mark.parametrize("kind", WRONG_KINDS)
async def test_json_that_is_no_object_is_wrong_content(shop: Shop, cleo: Person, kind: str) -> None:
    await refuses(shop, cleo, await send(shop, cleo, WRONG_KINDS[kind]))


@pytest.mark.parametrize("number", ["1e400", "9" * 4000, "-0.0"])
async def test_a_number_that_there_is_not_is_refused(shop: Shop, cleo: Person, number: str) -> None:
    body = json.dumps(a_body()).replace('"quantity": 12', f'"quantity": {number}')
    assert number in body

    await refuses(shop, cleo, await send(shop, cleo, body.encode()))


async def test_an_empty_body_is_wrong_content(shop: Shop, cleo: Person) -> None:
    await refuses(shop, cleo, await send(shop, cleo, b""))


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""]
)
async def test_a_body_that_does_not_say_it_is_json_is_unsupported(
    shop: Shop, cleo: Person, content_type: str
) -> None:
    body = json.dumps(a_body()).encode()
    answer = await send(shop, cleo, body, Content_Type=content_type)

    await refuses(shop, cleo, answer, 415, "unsupported_media_type")


async def test_a_body_of_10_mib_is_too_large(shop: Shop, cleo: Person) -> None:
    answer = await send(shop, cleo, b" " * (10 * MIB))

    await refuses(shop, cleo, answer, 413, "payload_too_large")


async def test_a_body_of_10_mib_in_chunks_is_too_large(shop: Shop, cleo: Person) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(160):
            yield b" " * 65_536

    headers = {"Content-Type": "application/json", **cleo.headers}
    answer = await shop.client.post(ORDERS, content=chunks(), headers=headers)

    await refuses(shop, cleo, answer, 413, "payload_too_large")


async def test_of_a_key_that_stands_twice_the_last_one_counts(shop: Shop, cleo: Person) -> None:
    body = '{"currency":"XXX",' + json.dumps(a_body())[1:]

    answer = await send(shop, cleo, body.encode())

    assert answer.status_code == 201
    assert answer.json()["currency"] == "EUR"
