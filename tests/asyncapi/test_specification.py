"""The document against AsyncAPI 3.0's own JSON Schema, as its authors publish it."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from app.asyncapi.document import describe
from app.main import FEATURES
from tests.end_to_end.js_client import NPM, install_packages

HERE = Path(__file__).parent / "specification"
SCHEMA = HERE / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0.json"

pytestmark = pytest.mark.skipif(not NPM, reason="no npm: the specification's schema is left out")


@pytest.fixture(scope="module")
def specification() -> jsonschema_rs.Validator:
    install_packages(HERE)
    return jsonschema_rs.validator_for(json.loads(SCHEMA.read_text()))


def test_the_document_is_valid_asyncapi(specification: jsonschema_rs.Validator) -> None:
    errors = [str(error)[:400] for error in specification.iter_errors(describe(FEATURES))]

    assert errors == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"asyncapi": "4.0.0"},
        {"channels": {"orders": {"address": 7}}},
        {"operations": {"tell": {"action": "shout", "channel": {"$ref": "#/channels/orders"}}}},
    ],
)
def test_what_is_no_asyncapi_is_found(
    specification: jsonschema_rs.Validator, wrong: dict[str, Any]
) -> None:
    assert not specification.is_valid({**describe(FEATURES), **wrong})
