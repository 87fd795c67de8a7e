"""From a channel's name to who may subscribe to it. Features register their policies here."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principals import Principal
from app.core.database import Sessions
from app.core.gathering import Gathering
from app.realtime.wire.codes import CommandError, ErrorCode
from app.realtime.wire.requests import MAX_CHANNEL_LENGTH

ReadAllowed = Callable[[AsyncSession, Collection[Any]], Awaitable[Collection[Any]]]
"""Of all who asked, those who may."""

ENDINGS = 1024
"""Counters of ends, shared by the channels by their hash."""


@dataclass(frozen=True, slots=True)
class Question:
    """What has to be read to know whether somebody may subscribe: `read` gets what all ask
    `about` who ask at the same moment.
    """

    read: ReadAllowed
    about: Hashable


class ChannelPolicy(Protocol):
    """The channels of one kind, `namespace` or `namespace:<key>`: who may subscribe, and what
    they offer. `signals` is the shape of what subscribers may tell each other, None for nothing.
    What is not `stored` has no log: no positions, no history, and may be lost.
    """

    namespace: str
    keyed: bool
    presence: bool
    signals: type[BaseModel] | None
    stored: bool

    def may_subscribe(self, principal: Principal, key: str) -> bool | Question:
        """At once where who it is decides it; `key` is what follows the colon, "" if there is
        none.
        """
        ...


@dataclass(frozen=True)
class Carried:
    """What a feature sends to the channels of one address, such as `orders:{id}`: for the
    description of the socket.
    """

    channel: str
    models: tuple[type[BaseModel], ...]


@dataclass(frozen=True)
class Feature:
    """What a feature brings: its routers, mounted under /api/v1, its channel policies, and what
    its events look like.
    """

    name: str
    routers: tuple[APIRouter, ...] = ()
    policies: tuple[ChannelPolicy, ...] = ()
    carries: tuple[Carried, ...] = ()


def personal_channel(user_id: UUID) -> str:
    """The channel to which the server subscribes a person at connect."""
    return f"users:{user_id}"


class Channels:
    """The policies of all features, and a counter of the ends of channels.

    The counter (`endings`) is for whoever decided on a channel, awaited something and then acts,
    as `Principals.generation` is for a person's rights.
    """

    def __init__(self, sessions: Sessions, policies: Iterable[ChannelPolicy]) -> None:
        self._sessions = sessions
        self._policies = {(policy.namespace, policy.keyed): policy for policy in policies}
        self._namespaces = {namespace for namespace, _keyed in self._policies}
        self._questions = Gathering(self._answer, "questions about rights")
        self._endings = [0] * ENDINGS

    def endings(self, channel: str) -> int:
        """Rises when the channel ends, and now and then when another does."""
        return self._endings[hash(channel) % ENDINGS]

    def note_end(self, channel: str) -> None:
        self._endings[hash(channel) % ENDINGS] += 1

    def policy_of(self, channel: str) -> ChannelPolicy:
        """Raises CommandError: 102 for an unknown namespace, 103 where it has no such channels."""
        if len(channel.encode()) > MAX_CHANNEL_LENGTH:
            raise CommandError(ErrorCode.BAD_REQUEST)
        namespace, colon, _key = channel.partition(":")
        if namespace not in self._namespaces:
            raise CommandError(ErrorCode.UNKNOWN_CHANNEL)
        policy = self._policies.get((namespace, bool(colon)))
        if policy is None:
            raise CommandError(ErrorCode.PERMISSION_DENIED)
        return policy

    async def authorize(self, principal: Principal, channel: str) -> ChannelPolicy:
        """The channel's policy. Raises what `policy_of` does, and 103 for what is not allowed."""
        policy, key = self.policy_of(channel), channel.partition(":")[2]
        allowed = policy.may_subscribe(principal, key)
        if not isinstance(allowed, bool):
            allowed = await self._questions.ask(allowed)
        if not allowed:
            raise CommandError(ErrorCode.PERMISSION_DENIED)
        return policy

    async def _answer(self, questions: Collection[Question]) -> dict[Question, bool]:
        asked: defaultdict[ReadAllowed, list[Hashable]] = defaultdict(list)
        for question in questions:
            asked[question.read].append(question.about)
        async with self._sessions() as session:
            allowed = {read: await read(session, about) for read, about in asked.items()}
        return {question: question.about in allowed[question.read] for question in questions}

    async def aclose(self) -> None:
        """Nobody is authorized any more."""
        await self._questions.aclose()
