"""The channels of the document: the socket itself, and those that one subscribes to on it."""

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.asyncapi import messages
from app.asyncapi.messages import Message
from app.realtime.channels import Carried, ChannelPolicy, Feature

KEY = "id"


@dataclass(frozen=True)
class Channel:
    """One that is subscribed to. `told` comes from the server, `signal` from subscribers too."""

    address: str
    subscribers: str
    told: tuple[Message, ...]
    signal: Message | None

    @property
    def key(self) -> str:
        return self.address.replace(f":{{{KEY}}}", "_one")

    @property
    def messages(self) -> tuple[Message, ...]:
        return self.told if self.signal is None else (*self.told, self.signal)


def read_channels(features: Sequence[Feature]) -> list[Channel]:
    """Of all policies, with what all features send there."""
    carried = [each for feature in features for each in feature.carries]
    policies = [policy for feature in features for policy in feature.policies]
    return sorted((_read(each, carried) for each in policies), key=lambda one: one.address)


def _read(policy: ChannelPolicy, carried: Iterable[Carried]) -> Channel:
    address = f"{policy.namespace}:{{{KEY}}}" if policy.keyed else policy.namespace
    told = [*messages.events([each for each in carried if each.channel == address])]
    if policy.presence:
        told += [messages.JOIN, messages.LEAVE]
    return Channel(
        address=address,
        subscribers=_subscribers(policy),
        told=(*told, messages.UNSUBSCRIBE),
        signal=messages.signal(policy),
    )


def _subscribers(policy: ChannelPolicy) -> str:
    """What the policy says of itself, behind the channel's name: "`orders`: staff."."""
    said = " ".join((inspect.getdoc(type(policy)) or "").split())
    _name, colon, who = said.partition(": ")
    who = who if colon else said
    return who[:1].upper() + who[1:]
