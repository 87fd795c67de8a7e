"""Where the data of the private Postgres lie, and who runs it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.embedded import private_services
from tests.embedded_holder import (
    PROJECT,
    WHEELS,
    first_line,
    holder,
    public_directory,
    query,
    wait_until,
)

NOBODY = 65534
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

# Below a chroot no user namespace can be made (user_namespaces(7)); /var/lib is a throw-away one.
CLOSE = 'mount -t tmpfs none /var/lib && mount --rbind / "$0" && exec chroot "$0" "$@"'
AS_MOUNTING_ROOT = pytest.mark.skipif(
    os.geteuid() != 0 or os.system("unshare --mount true 2>/dev/null") != 0,  # noqa: S605, S607 - a fixed command
    reason="only root with CAP_SYS_ADMIN can close user namespaces to a process",
)


MOVES = """
import asyncio, shutil, sys
sys.path[:0] = sys.argv[2:]
from pathlib import Path
import asyncpg
from app.embedded import EmbeddedError, private_services

def serve(data_dir, statement=None):
    with private_services(data_dir, valkey=False, durable=False) as services:
        print(asyncio.run(tables(services.database_url, statement)), flush=True)
        if statement:
            shutil.copytree(data_dir, data_dir.with_name("copy"), symlinks=True)
            try:
                serve(data_dir.with_name("copy"))
            except EmbeddedError as error:
                print(error, flush=True)

async def tables(url, statement):
    connection = await asyncpg.connect(url)
    if statement:
        await connection.execute(statement)
    found = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    return [row[0] for row in found]

data_dir = Path(sys.argv[1])
serve(data_dir, "CREATE TABLE kept ()")
data_dir.rename(data_dir.with_name("moved"))
serve(data_dir)
serve(data_dir.with_name("moved"))
"""
"""Serves a data directory, and its copy at the same time; a new one in its place; and it, moved."""


@pytest.fixture
def room() -> Iterator[Path]:
    with public_directory() as path:
        yield path


@pytest.fixture
def closed(room: Path) -> tuple[str, ...]:
    """What runs a command where user namespaces are closed."""
    (room / "mnt").mkdir()
    return ("unshare", "--mount", "/bin/sh", "-c", CLOSE, str(room / "mnt"))


async def test_a_half_made_cluster_is_made_anew(room: Path) -> None:
    with holder(room / "data") as process:
        wait_until((room / "data/postgres.new/data/base").exists)
        process.kill()
    assert not (room / "data/postgres").exists()
    with private_services(room / "data", durable=False) as services:
        assert await query(services.database_url, "SELECT 1") == 1


async def test_it_may_lie_below_a_private_home(room: Path) -> None:
    (room / "home").mkdir(mode=0o700)
    with private_services(room / "home/data", valkey=False, durable=False) as services:
        assert await query(services.database_url, "SELECT 1") == 1


@AS_ROOT
async def test_an_ordinary_user_runs_the_servers_as_itself(room: Path) -> None:
    os.chown(room, NOBODY, NOBODY)
    with holder(room / "data", user=NOBODY) as process:
        assert await query(first_line(process), "SELECT 1") == 1
        servers = psutil.Process(process.pid).children()
        assert {server.uids().real for server in servers} == {NOBODY}


@AS_MOUNTING_ROOT
async def test_root_without_user_namespaces_runs_postgres_as_nobody(
    room: Path, closed: tuple[str, ...]
) -> None:
    with holder(room / "data", within=closed) as process:
        assert await query(first_line(process), "SELECT 1") == 1
        assert NOBODY in {child.uids().real for child in psutil.Process(process.pid).children()}
    assert (room / "data/postgres").stat().st_uid == NOBODY


@AS_MOUNTING_ROOT
async def test_what_nobody_cannot_reach_goes_to_a_readable_place(
    room: Path, closed: tuple[str, ...]
) -> None:
    home = room / "home"
    home.mkdir(mode=0o700)
    (home / "wheels").symlink_to(WHEELS)
    with holder(home / "data", wheels=home / "wheels", within=closed) as process:
        assert await query(first_line(process), "SELECT 1") == 1
    assert (home / "data/postgres").readlink().is_relative_to("/var/lib/tandem")


@AS_MOUNTING_ROOT
def test_data_in_that_place_belong_to_the_directory_wherever_it_is_moved(
    room: Path, closed: tuple[str, ...]
) -> None:
    home = room / "home"
    home.mkdir(mode=0o700)
    (home / "wheels").symlink_to(WHEELS)
    python = (sys.executable, "-ISc", MOVES, str(home / "data"), str(PROJECT), str(home / "wheels"))
    done = subprocess.run(  # noqa: S603 - this Python and a fixed script
        [*closed, *python], stdout=subprocess.PIPE, text=True, timeout=60, check=True
    )
    first, copy, fresh, moved = done.stdout.splitlines()
    assert (first, fresh, moved) == ("['kept']", "[]", "['kept']")
    assert copy.endswith("is in use by a Tandem whose data directory is a copy of this")
