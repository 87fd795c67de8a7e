"""/health: the process lives. /ready: what it needs is there."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Response, status
from pydantic import BaseModel
from starlette.requests import HTTPConnection

from app import migrations
from app.core.single_flight import SingleFlight
from app.core.unavailable import POSTGRES_FAILURES, REDIS_FAILURES
from app.realtime.runtime import Runtime

CHECK_SECONDS = 1.5
OLD_SECONDS = 5
READ_ONLY = "SELECT current_setting('transaction_read_only')::boolean"
"""Of a standby it is always on."""

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class Check(BaseModel):
    ok: bool
    detail: str


class Readiness(BaseModel):
    status: Literal["ok", "degraded", "draining", "down"]
    checks: dict[str, Check]


class Probes:
    """Whoever asks while an answer is made shares it: it is no older than twice CHECK_SECONDS, and
    with one of their own they would wait for twice as long when something hangs.
    """

    def __init__(self, make: Callable[[], Coroutine[Any, Any, Readiness]]) -> None:
        self._make = make
        self._flight: SingleFlight[Readiness] = SingleFlight()

    async def get(self) -> Readiness:
        return await self._flight.run("ready", self._make)


async def get_readiness(connection: HTTPConnection) -> Readiness:
    probes: Probes = connection.state.probes
    return await probes.get()


ReadinessDep = Annotated[Readiness, Depends(get_readiness)]


@router.get("/health", response_model=Health)
async def health() -> Health:
    return Health()


@router.get("/ready", response_model=Readiness, responses={503: {"model": Readiness}})
async def ready(readiness: ReadinessDep, response: Response) -> Readiness:
    """200 for ok and degraded, else 503."""
    if readiness.status not in ("ok", "degraded"):
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return readiness


async def read_readiness(runtime: Runtime) -> Readiness:
    (postgres, revision), redis = await asyncio.gather(
        _check_postgres(runtime), _check(lambda: _ask_redis(runtime))
    )
    checks = {
        "postgres": postgres,
        "redis": redis,
        "migrations": revision,
        "relay": _check_relay(runtime),
    }
    return Readiness(status=_sum_up(runtime, checks), checks=checks)


def _sum_up(
    runtime: Runtime, checks: dict[str, Check]
) -> Literal["ok", "degraded", "draining", "down"]:
    if runtime.draining:
        return "draining"
    if not (checks["postgres"].ok and checks["migrations"].ok and runtime.ready.is_set()):
        return "down"
    return "ok" if all(check.ok for check in checks.values()) else "degraded"


async def _check_postgres(runtime: Runtime) -> tuple[Check, Check]:
    """Whether it answers, what it says of its tables, and whether the log can be read there; one
    that is silent or takes no writes is not asked the rest.

    Over the connections that read the log: those of requests may all be busy while all is well.
    """
    postgres = await _check(lambda: _ask_postgres(runtime))
    if not postgres.ok:
        return postgres, Check(ok=False, detail="Postgres has to be usable first")
    revision = await _check(lambda: _compare_revisions(runtime))
    if revision.ok and runtime.opening.lasts:
        postgres = Check(ok=False, detail=f"answers, but not about the log: {runtime.opening.kind}")
    return postgres, revision


async def _check(ask: Callable[[], Awaitable[Check]]) -> Check:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await ask()
    except TimeoutError:
        return Check(ok=False, detail="no answer in time")
    except (*POSTGRES_FAILURES, *REDIS_FAILURES) as error:
        return Check(ok=False, detail=f"not reachable: {type(error).__name__}")


async def _ask_postgres(runtime: Runtime) -> Check:
    """Whether a worker can work with it: a standby answers, but numbers no event."""
    if await runtime.reader.ask(READ_ONLY):
        return Check(ok=False, detail="takes no writes: a standby, or set to be read-only")
    return Check(ok=True, detail="answers")


async def _ask_redis(runtime: Runtime) -> Check:
    await runtime.broker.redis.ping()
    if not runtime.broker.up:
        return Check(ok=False, detail="answers, but the link for events is not up")
    if runtime.presence.away:
        return Check(ok=False, detail="answers, but does not keep who is present")
    return Check(ok=True, detail="answers")


async def _compare_revisions(runtime: Runtime) -> Check:
    present = await migrations.present_revision(runtime.reader.ask)
    newest = migrations.newest_revision()
    if present == newest:
        return Check(ok=True, detail=f"at {present}")
    if present and migrations.is_newer(present):  # a later release migrates while this one serves
        return Check(ok=True, detail=f"at {present}, newer than this release's {newest}")
    advice = "run `python -m app migrate`"
    return Check(ok=False, detail=f"at {present or 'nothing'}, {newest} is needed: {advice}")


def _check_relay(runtime: Runtime) -> Check:
    """What waits may have been measured long ago where no turn works."""
    outage, age = runtime.relay.outage, runtime.relay.pending_age
    if outage.seconds > OLD_SECONDS:
        detail = f"no turn has worked for {outage.seconds:.1f} s: {outage.kind}"
        return Check(ok=False, detail=detail)
    if age > OLD_SECONDS:
        return Check(ok=False, detail=f"the oldest pending event is {age:.1f} s old")
    return Check(ok=True, detail="keeps up")
