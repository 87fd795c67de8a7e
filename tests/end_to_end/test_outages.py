"""/ready and the gauges tell of a service that is away, soon, and of its return by themselves."""

import asyncio
import time
from math import inf
from pathlib import Path

import pytest

from app.embedded import Services
from tests.end_to_end.figures import Figures
from tests.end_to_end.outages import OUTAGES
from tests.end_to_end.server import serving
from tests.end_to_end.signs import watching_signs
from tests.waiting import until

pytestmark = [pytest.mark.proof, pytest.mark.timeout(120)]

AWAY_SECONDS = 5.0
TOLD_SECONDS = 2.0
OVER_SECONDS = 5.0
OK = (200, "ok", True)
AWAY = {"redis": (200, "degraded", False), "postgres": (503, "down", False)}


@pytest.mark.parametrize("name", OUTAGES)
async def test_an_outage_shows_within_2_s_and_its_end_within_5_s(
    name: str, template: Services, database: str, tmp_path: Path, figures: Figures
) -> None:
    async with OUTAGES[name](tmp_path / "service") as outage:
        urls = {"redis": template.redis_url, "postgres": database, outage.service: outage.url}
        async with (
            serving(urls["postgres"], urls["redis"], tmp_path / "server", workers=2) as server,
            watching_signs(server.url, outage.service) as signs,
        ):
            ready, gauge, away = signs.ready, signs.gauge, AWAY[outage.service]
            await until(lambda: max(ready.for_good(OK, 0), gauge.for_good(1.0, 0)) < inf)
            begun = time.monotonic()
            await outage.begin()
            await asyncio.sleep(AWAY_SECONDS)  # how long it is away is the fault
            await until(lambda: max(ready.first(away, begun), gauge.first(0.0, begun)) < inf)
            await outage.end()
            ended = time.monotonic()
            await until(lambda: max(ready.for_good(OK, ended), gauge.for_good(1.0, ended)) < inf)
    figures.update(
        ready_told_s=ready.first(away, begun),
        gauge_told_s=gauge.first(0.0, begun),
        ready_over_s=ready.for_good(OK, ended),
        gauge_over_s=gauge.for_good(1.0, ended),
    )

    assert max(ready.first(away, begun), gauge.first(0.0, begun)) <= TOLD_SECONDS
    assert max(ready.for_good(OK, ended), gauge.for_good(1.0, ended)) <= OVER_SECONDS
