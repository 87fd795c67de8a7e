"""The REST API against its own OpenAPI document, by Schemathesis: all checks, in every role.

The short form takes the coverage phase alone, of two roles: the rest finds what chance brings.
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from app.core.config import Settings
from app.embedded import Services
from tests.conftest import make_settings
from tests.databases import fresh_database
from tests.end_to_end.figures import LONG
from tests.end_to_end.server import ServerProcess, serving

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
HERE = Path(__file__).parent
SEED = 20_261
CUSTOMER = pytest.param("customer", marks=pytest.mark.detail)
ROLES = ["anonymous", "customer", "staff", "admin"] if LONG else [CUSTOMER, "admin"]
PHASES = "examples,coverage,fuzzing,stateful" if LONG else "coverage"
EXAMPLES = 40
SECONDS = 300

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(SECONDS),
]
shared = pytest_asyncio.fixture(scope="module", loop_scope="module")


@shared
async def settings(
    template: Services, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Settings]:
    async with fresh_database(template) as url:
        yield make_settings(url, template, tmp_path_factory.mktemp("conformance"))


@shared
async def server(settings: Settings) -> AsyncIterator[ServerProcess]:
    async with serving(settings.database_url, settings.redis_url, settings.data_dir) as server:
        yield server


@pytest.mark.parametrize("role", ROLES)
async def test_every_answer_is_as_the_document_says(
    server: ServerProcess, settings: Settings, tmp_path: Path, role: str
) -> None:
    process = await asyncio.create_subprocess_exec(
        SCHEMATHESIS,
        f"--config-file={HERE / 'conformance.toml'}",
        "run",
        f"{server.url}/openapi.json",
        "--checks=all",
        f"--phases={PHASES}",
        f"--max-examples={EXAMPLES}",
        f"--seed={SEED}",
        "--generation-database=none",
        "--continue-on-failure",
        "--no-color",
        cwd=tmp_path,
        env={
            **os.environ,
            "CONFORMANCE_ROLE": role,
            "CONFORMANCE_URL": server.url,
            "DATABASE_URL": settings.database_url,
            "PYTHONPATH": str(HERE.parents[1]),
            "SCHEMATHESIS_HOOKS": "tests.end_to_end.conformance_hooks",
        },
        stdout=PIPE,
        stderr=STDOUT,
    )
    output, _ = await process.communicate()

    assert process.returncode == 0, output.decode()
    assert "unexpected error" not in "".join(server.log)
