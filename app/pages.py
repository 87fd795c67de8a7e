"""The pages: the board, /ops, /docs and /asyncapi, /static; and who may try the demo."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fastapi_offline
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse
from pydantic import BaseModel
from starlette.staticfiles import StaticFiles

from app.core.dependencies import SessionDep, SettingsDep
from app.core.errors import NotFound
from app.core.problems import problems
from app.seed import DEMO_PASSWORD, find_demo_people

STATIC = Path(__file__).parent.parent / "static"
DOCS_ASSETS = Path(fastapi_offline.__file__).parent / "static"
DOCS_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)

WHOLE = {"Accept-Ranges": "none"}
"""Ranges are not read, see `UnreadHeadersMiddleware`."""
FRESH = {"Cache-Control": "no-cache", **WHOLE}

router = APIRouter(include_in_schema=False)


class DemoPerson(BaseModel):
    email: str
    name: str
    role: str


class Demo(BaseModel):
    """The people of the demo, and the password that they share."""

    people: list[DemoPerson]
    password: str = DEMO_PASSWORD


class NoDemo(NotFound):
    code, detail = "no_demo", "The demo people were not seeded here."


@router.get("/")
async def board() -> FileResponse:
    return FileResponse(STATIC / "index.html", headers=FRESH)


@router.get("/ops")
async def ops() -> FileResponse:
    return FileResponse(STATIC / "ops.html", headers=FRESH)


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    page = get_swagger_ui_html(
        openapi_url=str(request.app.openapi_url),
        title="Tandem: REST API",
        swagger_js_url="/docs-assets/swagger-ui-bundle.js",
        swagger_css_url="/docs-assets/swagger-ui.css",
        swagger_favicon_url="/docs-assets/favicon.png",
    )
    page.headers["Content-Security-Policy"] = DOCS_POLICY
    return page


@router.get("/asyncapi")
async def asyncapi_page() -> FileResponse:
    return FileResponse(STATIC / "asyncapi.html", headers=FRESH)


@router.get("/asyncapi.json")
async def asyncapi_document(request: Request) -> Response:
    return Response(request.app.state.asyncapi.encoded, media_type="application/json")


@router.get("/demo", response_model=Demo, responses=problems(NoDemo))
async def demo(settings: SettingsDep, session: SessionDep) -> Demo:
    if settings.environment == "production":
        raise NoDemo
    people = await find_demo_people(session)
    if not people:
        raise NoDemo
    return Demo(
        people=[DemoPerson(email=one.email, name=one.name, role=one.role) for one in people]
    )


class WholeFiles(StaticFiles):
    """Starlette's, but never a part of one."""

    headers: Mapping[str, str] = WHOLE

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers.update(self.headers)
        return response


class FreshFiles(WholeFiles):
    """Asked for again each time, by ETag: after a deploy no browser mixes old and new modules."""

    headers = FRESH


def mount_static(app: FastAPI) -> None:
    app.mount("/static", FreshFiles(directory=STATIC), name="static")
    app.mount("/docs-assets", WholeFiles(directory=DOCS_ASSETS), name="docs-assets")
