"""The schema of the Protobuf flavour: its numbers, its code, and the models that it stands for."""

import subprocess
import sys
from pathlib import Path

import pytest
from centrifuge.protocol import client_pb2 as public
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from app.realtime.wire import centrifuge_pb2 as schema
from app.realtime.wire import protocol, requests
from app.realtime.wire.requests import METHODS

ROOT = Path(__file__).parents[3]
PROTO = "app/realtime/wire/centrifuge.proto"
# Newer than the SDK's copy of the public schema.
NEWER = {
    ("SubscribeRequest", "type"),
    ("PublishRequest", "type"),
    ("PublishRequest", "key"),
    ("PublishRequest", "removed"),
}
MESSAGES: dict[str, Descriptor] = dict(schema.DESCRIPTOR.message_types_by_name)
MODELS = {
    "UnsubscribeResult": "EmptyResult",
    "PublishResult": "EmptyResult",
    "Error": "ErrorResult",
    "Push": "ChannelPush",
    "Join": "Presence",
    "Leave": "Presence",
}
# A push that is nearly a result.
WITHOUT_MODEL = {"Subscribe"}


@pytest.mark.parametrize("name", MESSAGES)
def test_every_field_is_that_of_the_public_schema(name: str) -> None:
    official = getattr(public, name).DESCRIPTOR.fields_by_name
    for field in MESSAGES[name].fields:
        if (name, field.name) not in NEWER:
            assert _shape(field) == _shape(official[field.name])


@pytest.mark.parametrize("name", sorted(MESSAGES.keys() - WITHOUT_MODEL))
def test_every_field_of_a_model_has_its_place(name: str) -> None:
    model = (vars(protocol) | vars(requests))[MODELS.get(name, name)]
    assert set(model.model_fields) <= set(MESSAGES[name].fields_by_name)


def test_every_method_has_its_place() -> None:
    assert {*METHODS, "id"} == set(MESSAGES["Command"].fields_by_name)


def test_the_code_is_what_the_schema_compiles_to(tmp_path: Path) -> None:
    out = [f"--python_out={tmp_path}", f"--pyi_out={tmp_path}"]
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I.", *out, PROTO]
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 - our own command
    for name in ("app/realtime/wire/centrifuge_pb2.py", "app/realtime/wire/centrifuge_pb2.pyi"):
        assert (tmp_path / name).read_text() == (ROOT / name).read_text()


def _shape(field: FieldDescriptor) -> tuple[object, ...]:
    kind = field.message_type
    return field.number, field.type, field.is_repeated, kind and kind.name
