"""The AsyncAPI document: of the models, complete, and the same every time."""

import json
from collections.abc import Iterator
from typing import Any, Literal

import jsonschema_rs
import pytest
from httpx import AsyncClient
from pydantic import BaseModel

from app.asyncapi.codes import CLOSES, ERRORS, UNSUBSCRIBES
from app.asyncapi.document import Document, describe
from app.main import FEATURES
from app.realtime.channels import Carried, Feature
from app.realtime.wire.codes import CloseCode, ErrorCode, UnsubscribeCode

Json = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Json:
    return describe(FEATURES)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def resolve(document: Json, reference: str) -> Any:
    found: Any = document
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def test_it_is_the_same_every_time() -> None:
    assert Document(FEATURES).encoded == Document(FEATURES).encoded


async def test_it_is_served(client: AsyncClient, document: Json) -> None:
    answer = await client.get("/asyncapi.json")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == document


def test_every_reference_leads_somewhere(document: Json) -> None:
    found = set(references(document))

    assert len(found) > 50
    for reference in found:
        assert resolve(document, reference), reference


def test_every_message_has_an_example_that_its_schema_takes(document: Json) -> None:
    for name, message in document["components"]["messages"].items():
        schema = {**message["payload"], "components": document["components"]}
        validator = jsonschema_rs.Draft7Validator({"allOf": [message["payload"]], **schema})
        assert validator.is_valid(message["examples"][0]["payload"]), name


@pytest.mark.parametrize(
    ("channel", "carried"),
    [
        ("orders", {"OrderCreated", "OrderUpdated", "OrderDeleted", "Unsubscribe"}),
        ("orders:{id}", {"OrderUpdated", "Join", "Leave", "Editing"}),
        ("users", {"UserCreated", "UserUpdated", "UserDeactivated"}),
        ("users:{id}", {"UserUpdated", "OrderCreated"}),
    ],
)
def test_a_channel_says_what_it_carries(document: Json, channel: str, carried: set[str]) -> None:
    (found,) = [each for each in document["channels"].values() if each["address"] == channel]

    assert carried <= found["messages"].keys()


def test_a_channel_says_who_may_subscribe(document: Json) -> None:
    assert document["channels"]["orders"]["x-subscribers"] == "Staff."
    assert "may see the order" in document["channels"]["orders_one"]["x-subscribers"]


def test_a_command_names_its_replies(document: Json) -> None:
    operation = document["operations"]["history"]
    replies = {each["$ref"].rpartition("/")[2] for each in operation["reply"]["messages"]}

    assert operation["action"] == "receive"
    assert replies == {"HistoryReply", "ErrorReply"}


def test_the_pings_of_both_sides_are_told_apart(document: Json) -> None:
    operations = document["operations"]

    assert (operations["ping"]["action"], operations["server_ping"]["action"]) == (
        "receive",
        "send",
    )
    assert [each["$ref"].rpartition("/")[2] for each in operations["ping"]["messages"]] == [
        "PingCommand"
    ]


class Whistled(BaseModel):
    """Somebody whistled."""

    type: Literal["order.whistled"]
    tune: str


def test_what_a_feature_carries_is_described_without_further_ado() -> None:
    whistling = Feature("whistling", carries=(Carried("orders", (Whistled,)),))

    document = describe((*FEATURES, whistling))

    assert "Whistled" in document["channels"]["orders"]["messages"]
    assert document["components"]["messages"]["Whistled"]["name"] == "order.whistled"
    assert "tune" in document["components"]["schemas"]["Whistled"]["properties"]


def test_every_code_has_its_meaning(document: Json) -> None:
    assert (set(ERRORS), set(CLOSES), set(UNSUBSCRIBES)) == (
        set(ErrorCode),
        set(CloseCode),
        set(UnsubscribeCode),
    )
    assert {each["code"] for each in document["x-close-codes"]} == {each.code for each in CloseCode}


def test_a_close_code_says_whether_to_come_back(document: Json) -> None:
    again = {each["code"]: each["reconnect"] for each in document["x-close-codes"]}

    assert (again[3001], again[3500], again[1009]) == (True, False, False)


def test_an_error_has_one_of_the_codes(document: Json) -> None:
    schema = document["components"]["schemas"]["ErrorResult"]["properties"]["code"]

    assert schema["enum"] == [each.value[0] for each in ErrorCode]


def test_it_is_json_that_holds_no_address_of_another_host() -> None:
    assert b"http" not in json.dumps(json.loads(Document(FEATURES).encoded)).encode()
