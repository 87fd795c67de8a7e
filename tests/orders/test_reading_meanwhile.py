"""An order that is changed while it is read: what is told is of one version, lines and all."""

import pytest

from tests.application import Person
from tests.orders.shop import Json, Shop, a_line

pytestmark = pytest.mark.asyncio(loop_scope="module")

READ = "FROM orders"


async def read_while(shop: Shop, cleo: Person, order_id: str, **edit: object) -> list[Json]:
    """Cleo's order by itself and in their list, each edited behind the reading of its row."""

    async def change() -> None:
        (await shop.patch(cleo, order_id, edit)).raise_for_status()

    with shop.change_behind(READ, change):
        alone: Json = (await shop.get(cleo, order_id)).raise_for_status().json()
    edit["note"] = "in the list"
    edit["items"] = [a_line(quantity=77)]
    with shop.change_behind(READ, change):
        listed = (await shop.page(cleo))["items"]
    return [alone, *listed]


async def test_its_lines_are_those_of_the_version_that_is_told(shop: Shop, cleo: Person) -> None:
    order_id = (await shop.place(cleo, items=[a_line(quantity=1)]))["id"]
    seen = await read_while(shop, cleo, order_id, items=[a_line(quantity=5), a_line(sku="NW-042")])

    history = (await shop.history(cleo, order_id)).raise_for_status().json()["items"]
    told = {each["version"]: each["order"] for each in history}
    assert [order["version"] for order in seen] == [1, 2]
    assert [order["items"] for order in seen] == [told[1]["items"], told[2]["items"]]


async def test_an_edit_of_what_was_seen_is_not_taken_for_none(shop: Shop, cleo: Person) -> None:
    """Of lines of another version, the caller's own would look as if they were not changed."""
    order_id = (await shop.place(cleo, items=[a_line(quantity=1)]))["id"]

    async def change() -> None:
        await shop.patch(cleo, order_id, {"items": [a_line(quantity=5)]})

    with shop.change_behind(READ, change):
        answer = await shop.get(cleo, order_id)
    edited = await shop.patch(
        cleo, order_id, {"items": [a_line(quantity=7)]}, if_match=answer.headers["ETag"]
    )

    assert answer.headers["ETag"] == '"1"'
    assert [line["quantity"] for line in answer.json()["items"]] == [1]
    assert edited.status_code == 412


async def test_a_deleted_order_is_told_whole_or_not_at_all(shop: Shop, cleo: Person) -> None:
    order_id = (await shop.place(cleo))["id"]
    with shop.change_behind(READ, lambda: shop.delete(cleo, order_id)):
        answer = await shop.get(cleo, order_id)

    assert (answer.status_code, len(answer.json()["items"])) == (200, 1)
    assert (await shop.get(cleo, order_id)).status_code == 404
