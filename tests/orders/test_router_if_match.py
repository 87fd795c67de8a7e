"""REST: PATCH /orders/{id}: which version an edit is based on."""

import pytest

from tests.application import Person
from tests.orders.shop import ORDERS, Shop, a_line, problem

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_edit_without_a_version_is_asked_for_one(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)

    answer = await shop.patch(cleo, placed["id"], {"note": "new"}, if_match=None)

    problem(answer, 428, "if_match_required")
    assert (await shop.get(cleo, placed["id"])).json() == placed


@pytest.mark.parametrize("if_match", ["1", '"1', "", "'1'", "*, *", "version 1"])
async def test_what_is_no_etag_is_a_bad_request(shop: Shop, cleo: Person, if_match: str) -> None:
    placed = await shop.place(cleo)

    answer = await shop.patch(cleo, placed["id"], {"note": "new"}, if_match=if_match)

    problem(answer, 400, "invalid_etag")
    assert (await shop.get(cleo, placed["id"])).json() == placed


async def test_a_star_writes_over_whatever_there_is(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)
    await shop.patch(cleo, placed["id"], {"note": "theirs"})

    answer = await shop.patch(cleo, placed["id"], {"note": "mine"}, if_match="*")

    assert (answer.json()["note"], answer.json()["version"]) == ("mine", 3)
    assert "Tandem-Merged" not in answer.headers


async def test_a_stale_edit_is_told_what_there_is_and_what_conflicts(
    shop: Shop, cleo: Person
) -> None:
    sten = await shop.staff()
    placed = await shop.place(cleo, note="base")
    theirs = (await shop.patch(sten, placed["id"], {"note": "theirs"})).json()

    answer = await shop.patch(cleo, placed["id"], {"note": "mine"}, if_match='"1"')

    body = problem(answer, 412, "order_changed")
    assert list(body)[-2:] == ["current", "conflicts"]
    assert body["current"] == theirs
    assert body["conflicts"] == [
        {
            "field": "note",
            "base": "base",
            "yours": "mine",
            "theirs": "theirs",
            "by": {"id": str(sten.id), "name": sten.name},
            "at": theirs["updated_at"],
        }
    ]
    assert (await shop.get(cleo, placed["id"])).json() == theirs


async def test_the_openapi_document_tells_what_a_conflict_brings(shop: Shop) -> None:
    document = (await shop.client.get("/openapi.json")).json()

    answers = document["paths"]["/api/v1/orders/{order_id}"]["patch"]["responses"]
    body = answers["412"]["content"]["application/problem+json"]["schema"]["$ref"]
    told = document["components"]["schemas"][body.rpartition("/")[2]]
    assert set(told["required"]) >= {"current", "conflicts", "code", "status"}
    assert "order_changed" in told["properties"]["code"]["enum"]
    conflict = document["components"]["schemas"]["ConflictRead"]
    assert conflict["properties"]["at"]["format"] == "date-time"


async def test_a_stale_edit_of_a_line_conflicts_by_its_sku(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)
    await shop.patch(cleo, placed["id"], {"items": [a_line(quantity=5)]})

    answer = await shop.patch(cleo, placed["id"], {"items": [a_line(quantity=9)]}, if_match='"1"')

    [conflict] = problem(answer, 412, "order_changed")["conflicts"]
    assert conflict["field"] == "items/NW-011"
    assert (conflict["base"], conflict["yours"], conflict["theirs"]) == (
        a_line(),
        a_line(quantity=9),
        a_line(quantity=5),
    )


async def test_an_edit_beside_what_others_did_is_merged_and_says_so(
    shop: Shop, cleo: Person
) -> None:
    sten = await shop.staff()
    placed = await shop.place(cleo, items=[a_line(), a_line(sku="B", unit_price="1.00")])
    body = {"status": "accepted", "items": [a_line(), a_line(sku="B", quantity=1)]}
    await shop.patch(sten, placed["id"], body, if_match='"1"')
    mine = {"note": "hurry", "items": [a_line(quantity=2), placed["items"][1]]}

    answer = await shop.patch(cleo, placed["id"], mine, if_match='"1"')

    merged = answer.json()
    assert (answer.status_code, answer.headers["Tandem-Merged"]) == (200, "true")
    assert answer.headers["ETag"] == '"3"'
    assert (merged["status"], merged["note"]) == ("accepted", "hurry")
    assert merged["items"] == [a_line(quantity=2), a_line(sku="B", quantity=1)]
    assert merged["total"] == "42.00"
    assert (await shop.get(cleo, placed["id"])).json() == merged


async def test_an_edit_of_the_present_version_is_not_called_merged(
    shop: Shop, cleo: Person
) -> None:
    placed = await shop.place(cleo)

    answer = await shop.patch(cleo, placed["id"], {"note": "new"}, if_match='"1"')

    assert "Tandem-Merged" not in answer.headers


async def test_an_edit_that_is_sent_again_as_its_answer_was_lost_is_made_once(
    shop: Shop, cleo: Person
) -> None:
    placed = await shop.place(cleo)
    first, again = [
        await shop.patch(cleo, placed["id"], {"items": [a_line(quantity=2)]}, if_match='"1"')
        for _ in range(2)
    ]

    body = problem(again, 412, "order_changed")
    assert body["current"] == first.json()
    assert [conflict["yours"] for conflict in body["conflicts"]] == [a_line(quantity=2)]
    assert [conflict["theirs"] for conflict in body["conflicts"]] == [a_line(quantity=2)]
    assert len(await shop.events(placed["id"])) == 2


async def test_of_a_stale_edit_only_what_conflicts_is_told(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo, items=[a_line(sku="A"), a_line(sku="B")])
    theirs = {"items": [a_line(sku="A", quantity=1), a_line(sku="C")]}
    await shop.patch(cleo, placed["id"], theirs)
    mine = {"note": "mine", "items": [a_line(sku="A", quantity=2), a_line(sku="B")]}

    answer = await shop.patch(cleo, placed["id"], mine, if_match='"1"')

    conflicts = problem(answer, 412, "order_changed")["conflicts"]
    assert [conflict["field"] for conflict in conflicts] == ["items/A"]


@pytest.mark.parametrize("if_match", ['"2"', '"999999"', '"99999999999999999999"', 'W/"2"', '"x"'])
async def test_a_version_that_the_order_never_had_does_not_match(
    shop: Shop, cleo: Person, if_match: str
) -> None:
    placed = await shop.place(cleo)

    answer = await shop.patch(cleo, placed["id"], {"note": "new"}, if_match=if_match)

    body = problem(answer, 412, "order_changed")
    assert (body["current"], body["conflicts"]) == (placed, [])
    assert "no version that this order ever had" in body["detail"]
    assert (await shop.get(cleo, placed["id"])).json() == placed


@pytest.mark.parametrize(
    "if_match", ['"1", "2"', '"2", "1"', '"2","7"', 'W/"1", "2"', '"x,y", "2"', '"2", "2"']
)
async def test_a_list_matches_if_one_of_its_etags_does(
    shop: Shop, cleo: Person, if_match: str
) -> None:
    placed = await shop.place(cleo)
    await shop.patch(cleo, placed["id"], {"note": "second"})

    answer = await shop.patch(cleo, placed["id"], {"note": "third"}, if_match=if_match)

    assert (answer.status_code, answer.headers["ETag"]) == (200, '"3"')
    assert "Tandem-Merged" not in answer.headers


async def test_an_etag_that_a_proxy_weakened_names_its_version(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)
    await shop.patch(cleo, placed["id"], {"note": "second"})

    fresh = await shop.patch(cleo, placed["id"], {"note": "third"}, if_match='W/"2"')
    stale = await shop.patch(cleo, placed["id"], {"note": "mine"}, if_match='W/"2"')

    assert (fresh.status_code, fresh.headers["ETag"]) == (200, '"3"')
    [conflict] = problem(stale, 412, "order_changed")["conflicts"]
    assert conflict["theirs"] == "third"


async def test_of_a_list_without_the_present_etag_the_newest_is_the_base(
    shop: Shop, cleo: Person
) -> None:
    placed = await shop.place(cleo)
    for note in ("second", "third"):
        await shop.patch(cleo, placed["id"], {"note": note})

    answer = await shop.patch(cleo, placed["id"], {"note": "mine"}, if_match='"1", "2", "9"')

    [conflict] = problem(answer, 412, "order_changed")["conflicts"]
    assert conflict["base"] == "second"


async def test_a_header_that_stands_twice_is_a_list(shop: Shop, cleo: Person) -> None:
    placed = await shop.place(cleo)
    await shop.patch(cleo, placed["id"], {"note": "second"})
    headers = [*cleo.headers.items(), ("If-Match", '"1"'), ("If-Match", '"2"')]

    answer = await shop.client.patch(
        f"{ORDERS}/{placed['id']}", json={"note": "third"}, headers=headers
    )

    assert (answer.status_code, answer.headers["ETag"]) == (200, '"3"')
