"""A page of a list, as services find it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Cursor = TypeVar("Cursor")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item, Cursor]):
    """`next_cursor` is where the next page follows, if there is more: the place of the last item
    that was looked at.
    """

    items: Sequence[Item]
    next_cursor: Cursor | None
