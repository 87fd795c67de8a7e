"""Passwords: argon2id, hashed and verified off the event loop, a few at a time.

Few of a worker's hashes are made at once; the others wait for their turn, so a burst of sign-ins
costs time, but not all memory nor the event loop. So many wait that the last one gets a turn before
it has given up; who comes then is refused at once. Who signs up has a lane of its own, so that
nobody who signs in waits behind it.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.core.config import Settings
from app.core.errors import ServiceUnavailable

HASHES_AT_ONCE = 2
HASHES_WAITING = 400
"""About five seconds of work, and more than may come from one address at once."""
NEW_AT_ONCE = 1
NEW_WAITING = 400
"""About ten seconds."""

T = TypeVar("T")


class Lane:
    """Threads, and how many may wait for one; they start with the first hash, so nothing runs, nor
    is there to fork, before that.
    """

    def __init__(self, name: str, at_once: int, waiting: int) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix=name)
        self._most = at_once + waiting
        self._inside = 0

    async def run(self, work: Callable[[], T]) -> T:
        """Raises ServiceUnavailable where too many wait. Nothing is done for who is cancelled while
        they wait.
        """
        if self._inside >= self._most:
            raise ServiceUnavailable
        self._inside += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._inside -= 1


_known = Lane("password", HASHES_AT_ONCE, HASHES_WAITING)
_new = Lane("new-password", NEW_AT_ONCE, NEW_WAITING)


@dataclass(frozen=True, slots=True)
class PasswordCheck:
    matches: bool
    rehash: bool = False
    """It was hashed with other parameters than today's."""


async def hash_password(settings: Settings, password: str) -> str:
    """Of somebody who has an account. Raises ServiceUnavailable where too many sign in."""
    hasher = _hasher(settings.environment)
    return await _known.run(lambda: hasher.hash(_bytes(password)))


async def hash_first_password(settings: Settings, password: str) -> str:
    """Of somebody who signs up. Raises ServiceUnavailable where too many do, whoever signs in."""
    hasher = _hasher(settings.environment)
    return await _new.run(lambda: hasher.hash(_bytes(password)))


async def check_password(
    settings: Settings, password: str, password_hash: str | None
) -> PasswordCheck:
    """None stands for an account that does not exist: never matches, but takes as long. Raises
    ServiceUnavailable where too many sign in.
    """
    if password_hash is None:
        await hash_password(settings, password)
        return PasswordCheck(matches=False)
    hasher = _hasher(settings.environment)
    try:
        await _known.run(lambda: hasher.verify(password_hash, _bytes(password)))
    except (VerificationError, InvalidHashError):
        return PasswordCheck(matches=False)
    return PasswordCheck(matches=True, rehash=hasher.check_needs_rehash(password_hash))


@cache
def _hasher(environment: str) -> PasswordHasher:
    if environment == "test":
        return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    # As OWASP recommends (19 MiB, 2 passes, 1 lane): the event loop shares these cores.
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def _bytes(password: str) -> bytes:
    """Of whatever came in a form: what is no Unicode matches no password, but is no error."""
    return password.encode(errors="surrogatepass")
