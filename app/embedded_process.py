"""Programs that do not outlive the process that started them.

On Linux the kernel ends them with their parent (PR_SET_PDEATHSIG, prctl(2)): when the thread that
started them ends, hence the main thread. Elsewhere a shell waits on a pipe that only we hold open.
"""

import ctypes
import fcntl
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from signal import (
    SIG_BLOCK,
    SIG_SETMASK,
    SIG_UNBLOCK,
    SIGINT,
    SIGKILL,
    SIGTERM,
    Signals,
    pthread_sigmask,
)

from app.core.operator_errors import OperatorError

ON_LINUX = sys.platform == "linux"
POLL_SECONDS = 0.01

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_CLONE_NEWUSER = 0x10000000  # linux/sched.h
_ENDING = (SIGINT, SIGTERM)
_WATCH = 'trap "" HUP INT TERM; read -r line; kill -s "$0" "$1"'
_TROUBLE = re.compile(r"\b(?:fatal|panic|error)\b.*", re.IGNORECASE)


class EmbeddedError(OperatorError):
    """The private services cannot run."""


@dataclass(frozen=True)
class Account:
    """As whom a program runs; without a uid, as we do.

    With `namespace` it keeps our rights to files and only believes itself to be `uid`
    (user_namespaces(7)): enough for a program that refuses root.
    """

    uid: int | None = None
    gid: int | None = None
    namespace: bool = False


OURSELVES = Account()


class Child:
    """A started program. Whoever holds it calls `finish`."""

    def __init__(self, process: subprocess.Popen[bytes], *, watched_for: Signals | None) -> None:
        self._process = process
        self._watcher = None if watched_for is None else _watch(process.pid, watched_for)
        self.pid = process.pid

    def give(self, text: str) -> None:
        """Write its whole standard input, at most what a pipe holds (64 KiB)."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError), self._process.stdin as stdin:
                stdin.write(text.encode())

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def signal(self, number: Signals) -> None:
        self._process.send_signal(number)

    def finish(self, limit: float) -> int:
        """Wait for its end and give its exit code; past `limit` seconds it is killed."""
        try:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(limit)
        finally:
            if self._watcher is not None:  # before its pipe closes: that would be its cue
                self._watcher.kill()
                self._watcher.communicate()
            self._process.kill()
        return self._process.wait()


@dataclass(frozen=True)
class Program:
    """What to run, from an empty environment: no secret of ours and no PGPORT gets in.

    `log` is begun anew, readable by us only; `death` ends it with us; `given` is its standard
    input; `keep` are descriptors that it inherits; `tied` is by prctl(2), else by a watcher.
    """

    command: tuple[str, ...]
    log: Path
    death: Signals = SIGKILL
    account: Account = OURSELVES
    directory: Path = Path("/")
    given: str = ""
    keep: tuple[int, ...] = ()
    tied: bool = ON_LINUX

    def start(self) -> Child:
        """Start it in a session of its own, so that Ctrl-C at a terminal reaches only us."""
        output = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        try:
            with _undisturbed():
                process = self._popen(output)
        finally:
            os.close(output)
        child = Child(process, watched_for=None if self.tied else self.death)
        child.give(self.given)
        return child

    def run(self, limit: float = 120) -> int:
        """Run it to its end, or for `limit` seconds, and give its exit code."""
        return self.start().finish(limit)

    def trouble(self) -> str:
        """The line of the log that says best what went wrong."""
        lines = [line.strip() for line in self.log.read_text("utf-8", "replace").splitlines()]
        found = [match.group() for line in lines if (match := _TROUBLE.search(line))]
        return (found or [line for line in lines if line] or ["it logged nothing"])[-1]

    def _popen(self, output: int) -> subprocess.Popen[bytes]:
        user = None if self.account.namespace else self.account.uid
        return subprocess.Popen(  # noqa: S603 - our own programs and arguments, no shell
            self.command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=self.directory,
            env={"LC_ALL": "C", "TZ": "UTC", "PATH": os.environ.get("PATH", os.defpath)},
            pass_fds=self.keep,
            start_new_session=True,
            user=user,
            group=None if user is None else self.account.gid,
            extra_groups=None if user is None else [],
            preexec_fn=partial(self._settle, os.getpid()),  # noqa: PLW1509 - prctl(2) is the child's
        )

    def _settle(self, parent: int) -> None:
        pthread_sigmask(SIG_UNBLOCK, _ENDING)
        if self.account.namespace:
            _enter_namespace(self.account)
        if self.tied:  # last, since a change of credentials would untie it
            _LIBC.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(self.death))
            if os.getppid() != parent:
                os.kill(os.getpid(), SIGKILL)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """SIGINT and SIGTERM wait: what their handlers raise in the middle of a fork is lost."""
    before = pthread_sigmask(SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        pthread_sigmask(SIG_SETMASK, before)


def _enter_namespace(account: Account) -> None:
    uid, gid = os.geteuid(), os.getegid()
    if _LIBC.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny", "utf-8")
    Path("/proc/self/uid_map").write_text(f"{account.uid} {uid} 1", "utf-8")
    Path("/proc/self/gid_map").write_text(f"{account.gid} {gid} 1", "utf-8")


def _watch(pid: int, death: Signals) -> subprocess.Popen[bytes]:
    command = ["/bin/sh", "-c", _WATCH, death.name.removeprefix("SIG"), str(pid)]
    return subprocess.Popen(  # noqa: S603 - a fixed command, a signal's name and a number
        command, stdin=subprocess.PIPE, start_new_session=True
    )


def reaches(account: Account, path: Path) -> bool:
    """Whether the account may enter a directory or run a file, and can be taken on at all."""
    command = ("/bin/sh", "-c", 'test -x "$0"', str(path))
    try:
        return Program(command, Path(os.devnull), account=account).run() == 0
    except subprocess.SubprocessError:  # no such namespace here
        return False


def take_lock(path: Path, limit: float = 0) -> int | None:
    """The descriptor that holds the lock on a file; None if another holds it past `limit` seconds.

    The lock lasts as long as any copy of the descriptor, those that children inherit included.
    """
    deadline = time.monotonic() + limit
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    while not _lock(descriptor):
        if time.monotonic() > deadline:
            os.close(descriptor)
            return None
        time.sleep(POLL_SECONDS)
    return descriptor


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
