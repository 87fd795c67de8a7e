"""A Postgres that is not there, or fails."""

import pytest

from app.embedded import Services
from load.errors import Exit, LoadError
from load.postgres import connected
from load.process import free_port
from load.server import relayed


async def test_one_that_cannot_be_reached_is_told_in_a_line() -> None:
    services = Services(f"postgresql://127.0.0.1:{free_port()}/tandem", "")
    with pytest.raises(LoadError, match="Postgres cannot be reached") as caught:
        await relayed(services)
    assert caught.value.exit_code == Exit.UNREACHABLE


async def test_one_that_has_no_such_database_is_told_in_a_line(services: Services) -> None:
    none = Services(f"{services.database_url.rpartition('/')[0]}/no_such_database", "")
    with pytest.raises(LoadError, match="no_such_database"):
        await relayed(none)


async def test_a_statement_that_fails_is_told_in_a_line(database: str) -> None:
    with pytest.raises(LoadError, match="Postgres failed: division by zero") as caught:
        async with connected(database) as connection:
            await connection.execute("SELECT 1 / 0")
    assert caught.value.exit_code == Exit.UNREACHABLE
