"""The one place where things are wired. `app` is for `uvicorn app.main:app` and gunicorn."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypedDict

from fastapi import FastAPI, Response
from fastapi.routing import iter_route_contexts
from prometheus_fastapi_instrumentator import Instrumentator
from starlette.requests import HTTPConnection

from app import __version__, health, pages
from app.asyncapi.document import Document
from app.auth.admission import AdmissionMiddleware
from app.auth.principals import Principals
from app.core import metrics
from app.core.config import (
    Settings,
    SettingsError,
    load_settings,
    missing_services,
    warn_of_unknown,
)
from app.core.database import Sessions, create_engine, create_sessions
from app.core.errors import Problem, TooManyRequests, install_error_handlers
from app.core.failpoints import Failpoints
from app.core.forwarded import ForwardedMiddleware
from app.core.idempotency import IdempotencyTurns
from app.core.idempotency_keys import remove_expired
from app.core.idle_connections import IdleConnections
from app.core.logging import configure_logging
from app.core.middleware import (
    BodyLimitMiddleware,
    CrossOriginMiddleware,
    SecurityHeadersMiddleware,
    UnreadHeadersMiddleware,
)
from app.core.problems import problems
from app.core.rates import Rates
from app.core.request_ids import RequestIdMiddleware
from app.core.schemas import BODY_BYTES
from app.core.shared_answer import SharedAnswer
from app.health import Probes, read_readiness
from app.openapi import install_openapi
from app.orders.feature import FEATURE as ORDERS
from app.realtime.channels import Feature
from app.realtime.log.relay import Relay
from app.realtime.ops import FEATURE as OPS
from app.realtime.outbox import RECORDING
from app.realtime.runtime import Runtime
from app.realtime.websocket import router as realtime_router
from app.users.feature import FEATURE as USERS
from app.users.first_admin import FirstAdmin
from app.users.principals import DatabasePrincipals
from app.users.sessions import remove_ended

FEATURES: tuple[Feature, ...] = (USERS, ORDERS, OPS)
API = "/api/v1"
SMALLER_BODIES = {f"{API}/auth/token": BODY_BYTES}
"""Bytes. A form's escapes are read on the loop, 16 KiB of them for 2 ms, whoever sends it."""
Exposition = tuple[bytes, str]
"""Body and content type of /metrics."""
DESCRIPTION = """
Whatever is changed here is told to every subscriber on `/ws` within milliseconds, in order and
once: [the socket's own description](/asyncapi). [The board](/) is one of its clients.

Errors are `application/problem+json`; `code` is one of a closed set. An edit names the version that
it is based on (`If-Match`); one of an older version is merged, or refused with what conflicts. A
POST under an `Idempotency-Key` can be sent again until there is an answer.
"""
READY_SECONDS = 5.0
REST_SECONDS = 0.2
"""Between two answers of /metrics: anybody may ask, as often as they want."""


class State(TypedDict):
    """What the lifespan hands to every request and socket."""

    settings: Settings
    sessions: Sessions
    principals: Principals
    rates: Rates
    idempotency: IdempotencyTurns
    probes: Probes
    exposition: SharedAnswer[Exposition]
    realtime: Runtime
    relay: Relay


def create_app(
    settings: Settings, features: Sequence[Feature] = FEATURES, *, recording: bool = True
) -> FastAPI:
    """An application with its own engine, links and tasks; nothing is shared with another.

    Without `recording` it stores no events and has no relay: nobody is told of anything. That is
    for measuring what these cost a write.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[State]:
        list(iter_route_contexts(app.routes))  # makes them ready: a request would take long to
        engine = create_engine(settings)
        sessions = create_sessions(engine)
        sessions.configure(info={RECORDING: recording})
        principals = Principals(DatabasePrincipals(sessions))
        rates = Rates(settings)
        policies = [policy for feature in features for policy in feature.policies]
        runtime = app.state.runtime = Runtime(
            settings, sessions, principals, policies, relaying=recording
        )
        runtime.housekeeping.chores += [
            partial(remove_expired, sessions),
            partial(remove_ended, sessions),
        ]
        runtime.follower.on_away = IdleConnections(engine).end
        first_admin = FirstAdmin(settings, sessions)
        await first_admin.start()
        await runtime.start()
        await runtime.wait_ready(READY_SECONDS)
        try:
            yield State(
                settings=settings,
                sessions=sessions,
                principals=principals,
                rates=rates,
                idempotency=IdempotencyTurns(Failpoints(settings.failpoints)),
                probes=Probes(partial(read_readiness, runtime)),
                exposition=SharedAnswer(read_exposition, REST_SECONDS),
                realtime=runtime,
                relay=runtime.relay,
            )
        finally:
            await first_admin.aclose()
            await runtime.stop()
            await rates.aclose()
            await engine.dispose()

    app = FastAPI(
        title="Tandem",
        version=__version__,
        summary="A real-time collaborative order backend.",
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # behind a proxy it names http://, where the body goes in the clear
        responses={"default": {"model": Problem, "description": "Any error"}},
    )
    install_error_handlers(app)
    _add_middleware(app, settings)
    _add_routes(app, features)
    install_openapi(app)
    app.state.asyncapi = Document(features)
    return app


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    """The last one added is the outermost."""
    if settings.requests_per_second:
        app.add_middleware(AdmissionMiddleware, settings=settings, prefix=API)
    Instrumentator(excluded_handlers=["/metrics", "/health", "/ready"]).instrument(app)
    app.add_middleware(
        BodyLimitMiddleware, max_bytes=settings.max_body_bytes, smaller=SMALLER_BODIES
    )
    if settings.cors_origins:
        app.add_middleware(
            CrossOriginMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["ETag", "Location", "Tandem-Position", "Tandem-Merged", "Retry-After"],
        )
    app.add_middleware(SecurityHeadersMiddleware)
    app.add_middleware(UnreadHeadersMiddleware)
    app.add_middleware(ForwardedMiddleware)
    app.add_middleware(RequestIdMiddleware)


def _add_routes(app: FastAPI, features: Sequence[Feature]) -> None:
    for feature in features:
        for router in feature.routers:
            app.include_router(router, prefix=API, responses=problems(TooManyRequests))
    app.include_router(realtime_router.router)
    app.include_router(health.router)
    app.include_router(pages.router)
    app.add_api_route("/metrics", read_metrics, include_in_schema=False)
    pages.mount_static(app)


async def read_metrics(connection: HTTPConnection) -> Response:
    shared: SharedAnswer[Exposition] = connection.state.exposition
    body, content_type = await shared.get()
    return Response(body, media_type=content_type)


async def read_exposition() -> Exposition:
    """Of many workers it takes long to read: meanwhile the loop goes on."""
    metrics.settle()
    return await asyncio.to_thread(metrics.exposition)


def load_app() -> FastAPI:
    """From the environment, for servers that import it; raises SystemExit with one line."""
    try:
        settings = load_settings()
    except SettingsError as error:
        raise SystemExit(f"tandem: {error}") from None
    missing = missing_services(settings)
    if missing:
        raise SystemExit(
            f"tandem: {' and '.join(missing)} must be set (`python -m app serve` starts its own)"
        )
    configure_logging(settings.log_level)
    warn_of_unknown()
    return create_app(settings)


def __getattr__(name: str) -> Any:
    """`app` is made when it is asked for, so that importing `create_app` costs nothing."""
    if name == "app":
        made = globals()["app"] = load_app()
        return made
    raise AttributeError(name)
