"""The OpenAPI document: FastAPI's own, but errors are what they are on the wire."""

from typing import Any

from fastapi import FastAPI

from app.core.errors import PROBLEM_JSON, Problem, error_codes

PROBLEM = Problem.__name__
"""How the names of the bodies of errors end."""


def install_openapi(app: FastAPI) -> None:
    """Errors are application/problem+json, and `code` is one of a closed set."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = describe()
            for name, schema in document["components"]["schemas"].items():
                if name.endswith(PROBLEM):
                    schema["properties"]["code"]["enum"] = error_codes()
            for operations in document["paths"].values():
                for operation in operations.values():
                    _mark_problems(operation["responses"])
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI documents this way


def _mark_problems(responses: dict[str, Any]) -> None:
    for response in responses.values():
        content = response.get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        if schema.get("$ref", "").endswith(PROBLEM):
            content[PROBLEM_JSON] = content.pop("application/json")
