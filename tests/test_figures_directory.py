"""Where figures are kept, and who removes what a killed server left of them."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from app.figures_directory import LOCK, make_figures_directory
from tests.processes import alive
from tests.waiting import until

OWNER = """
import subprocess, sys
from pathlib import Path
from app.figures_directory import make_figures_directory

figures = make_figures_directory(Path(sys.argv[1]))
wait = "import sys; sys.stdin.read()"
worker = subprocess.Popen([sys.executable, "-c", wait], pass_fds=[figures.lock])
print(figures.path, flush=True)
worker.wait()
"""


@dataclass
class Owner:
    """A process with a directory for its figures, and its worker."""

    process: psutil.Process
    worker: psutil.Process
    directory: Path


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[Owner]:
    with subprocess.Popen(  # noqa: S603 - ours
        [sys.executable, "-c", OWNER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as started:
        assert started.stdout is not None
        directory = Path(started.stdout.readline().strip())
        process = psutil.Process(started.pid)
        (worker,) = process.children()
        yield Owner(process, worker, directory)
        for one in (process, worker):
            if alive(one):
                one.kill()


async def kill(process: psutil.Process) -> None:
    process.kill()
    await until(lambda: not alive(process))


async def test_what_a_killed_server_left_is_removed_at_the_next_start(owner: Owner) -> None:
    (owner.directory / "counter_worker1.db").touch()
    await kill(owner.worker)
    await kill(owner.process)
    made = make_figures_directory(owner.directory.parent)

    assert list(owner.directory.parent.iterdir()) == [made.path]


def test_a_directory_of_who_is_at_work_is_left_alone(owner: Owner) -> None:
    make_figures_directory(owner.directory.parent)

    assert owner.directory.exists()


async def test_a_directory_is_left_while_a_worker_drains_whose_supervisor_is_gone(
    owner: Owner,
) -> None:
    await kill(owner.process)
    make_figures_directory(owner.directory.parent)

    assert owner.directory.exists()


async def test_a_directory_that_does_not_tell_who_uses_it_is_left_alone(owner: Owner) -> None:
    (owner.directory / LOCK).unlink()
    await kill(owner.worker)
    await kill(owner.process)
    make_figures_directory(owner.directory.parent)

    assert owner.directory.exists()


def test_what_is_removed_leaves_nothing(tmp_path: Path) -> None:
    make_figures_directory(tmp_path).remove()

    assert not list(tmp_path.iterdir())


def test_figures_are_kept_in_memory_where_there_is_a_place_for_that(tmp_path: Path) -> None:
    made = make_figures_directory(tmp_path).path

    assert made.parent == tmp_path
    assert made.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kind", ["missing", "a file"])
def test_figures_are_temporary_files_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    memory = tmp_path / "memory"
    if kind == "a file":
        memory.touch()

    assert make_figures_directory(memory).path.parent == tmp_path
