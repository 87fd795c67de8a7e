"""Workers with limits, and callers at addresses of their own."""

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from httpx import ASGITransport, AsyncClient, Response

from app.core.config import Settings
from app.core.rates import Rates
from tests.application import Application, run_application

API = "/api/v1"
PATIENT = 10.0

_numbers = itertools.count(1)


def addresses() -> Iterator[str]:
    """That no other test has used."""
    for number in _numbers:
        yield f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


@asynccontextmanager
async def run_worker(settings: Settings, **limits: int) -> AsyncIterator[Application]:
    """Patient with Redis, so that no pause of the machine makes it count for itself."""
    limited = settings.model_copy(update=limits)
    async with run_application(limited) as application:
        await application.state["rates"].aclose()
        patient = limited.model_copy(update={"redis_timeout_seconds": PATIENT})
        rates = application.state["rates"] = Rates(patient, patience=PATIENT)
        try:
            yield application
        finally:
            await rates.aclose()


@asynccontextmanager
async def client_of(application: Application, address: str) -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(
        app=application.asgi, raise_app_exceptions=False, client=(address, 50_000)
    )
    async with AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def is_refused(answer: Response) -> bool:
    """As every 429 looks."""
    refused = answer.status_code == 429
    if refused:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "too_many_requests"
        assert answer.json()["instance"].endswith(answer.request.url.path)
        assert int(answer.headers["Retry-After"]) >= 1
    return refused
