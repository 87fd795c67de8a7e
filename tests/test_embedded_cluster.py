"""Where the data of the private Postgres lie, and who runs it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from app import embedded_cluster
from app.embedded import private_services
from app.embedded_cluster import Cluster, open_cluster
from app.embedded_process import OURSELVES, Account, EmbeddedError, take_lock
from tests.embedded_holder import WHEELS, first_line, holder, public_directory, query, wait_until

NOBODY = 65534
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

# Below a chroot no user namespace can be made (user_namespaces(7)); /var/lib is a throw-away one.
CLOSE = 'mount -t tmpfs none /var/lib && mount --rbind / "$0" && exec chroot "$0" "$@"'
AS_MOUNTING_ROOT = pytest.mark.skipif(
    os.geteuid() != 0 or os.system("unshare --mount true 2>/dev/null") != 0,  # noqa: S605, S607 - a fixed command
    reason="only root with CAP_SYS_ADMIN can close user namespaces to a process",
)


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


@pytest.fixture
def elsewhere(room: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory that the account of Postgres cannot reach, and stand-ins for Postgres."""
    data_dir = room / "data"
    data_dir.mkdir()

    def reaches(_account: Account, path: Path) -> bool:
        return not path.is_relative_to(data_dir)

    def fill(fresh: Cluster, *, durable: bool) -> None:
        assert not durable
        fresh.data.mkdir()

    monkeypatch.setattr(embedded_cluster, "_PUBLIC_PLACE", room / "public")
    monkeypatch.setattr(embedded_cluster, "reaches", reaches)
    monkeypatch.setattr(embedded_cluster, "_account", lambda _home: OURSELVES)
    monkeypatch.setattr(embedded_cluster, "_fill", fill)
    monkeypatch.setattr(embedded_cluster, "_check_version", lambda _cluster: None)
    return data_dir


def opened(stack: ExitStack, data_dir: Path) -> Cluster:
    lock = take_lock(data_dir / "postgres.lock")
    assert lock is not None
    stack.callback(os.close, lock)
    return open_cluster(stack, data_dir, lock=lock, durable=False)


def test_data_elsewhere_belong_to_the_directory_that_was_moved(elsewhere: Path) -> None:
    with ExitStack() as stack:
        (opened(stack, elsewhere).data / "kept").touch()
    moved = elsewhere.rename(elsewhere.with_name("moved"))
    elsewhere.mkdir()
    with ExitStack() as stack:
        assert not (opened(stack, elsewhere).data / "kept").exists()
        assert (opened(stack, moved).data / "kept").exists()


def test_a_copy_of_a_data_directory_does_not_share_its_data_with_it(elsewhere: Path) -> None:
    with ExitStack() as stack:
        opened(stack, elsewhere)
        copy = shutil.copytree(elsewhere, elsewhere.with_name("copy"), symlinks=True)
        with pytest.raises(EmbeddedError, match="is in use by a Tandem whose data directory"):
            opened(stack, copy)
    with ExitStack() as stack:
        assert opened(stack, copy).data.is_dir()


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
