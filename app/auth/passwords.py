"""Passwords: argon2id, hashed and verified off the event loop, a few at a time.

At most HASHES_AT_ONCE of a worker's hashes are being made; the others wait for their turn, so a
burst of sign-ins costs time, but not all memory nor the event loop.
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

PASSWORD_MIN_LENGTH = 8
PASSWORD_MAX_LENGTH = 128
HASHES_AT_ONCE = 2

T = TypeVar("T")

# Threads start with the first hash, so nothing runs, nor is there to fork, before that.
_threads = ThreadPoolExecutor(HASHES_AT_ONCE, thread_name_prefix="password")


@dataclass(frozen=True, slots=True)
class PasswordCheck:
    matches: bool
    rehash: bool = False
    """It was hashed with other parameters than today's."""


async def hash_password(settings: Settings, password: str) -> str:
    hasher = _hasher(settings.environment)
    return await _in_thread(lambda: hasher.hash(_bytes(password)))


async def check_password(
    settings: Settings, password: str, password_hash: str | None
) -> PasswordCheck:
    """None stands for an account that does not exist: never matches, but takes as long."""
    if password_hash is None:
        await hash_password(settings, password)
        return PasswordCheck(matches=False)
    hasher = _hasher(settings.environment)
    try:
        await _in_thread(lambda: hasher.verify(password_hash, _bytes(password)))
    except (VerificationError, InvalidHashError):
        return PasswordCheck(matches=False)
    return PasswordCheck(matches=True, rehash=hasher.check_needs_rehash(password_hash))


@cache
def _hasher(environment: str) -> PasswordHasher:
    if environment == "test":
        return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    # As OWASP recommends (19 MiB, 2 passes, 1 lane): the event loop shares these cores.
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


async def _in_thread(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_threads, work)


def _bytes(password: str) -> bytes:
    """Of whatever came in a form: what is no Unicode matches no password, but is no error."""
    return password.encode(errors="surrogatepass")
