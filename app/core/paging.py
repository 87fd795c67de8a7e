"""A page of a list, as services find it."""

from collections.abc import Iterable, Sequence
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


def encode_page(items: Iterable[str], next_cursor: object, **rest: str) -> str:
    """The JSON of a page whose items, and the rest of whose fields, are JSON already."""
    cursor = "null" if next_cursor is None else f'"{next_cursor}"'
    more = "".join(f',"{name}":{value}' for name, value in rest.items())
    return f'{{"items":[{",".join(items)}],"next_cursor":{cursor}{more}}}'
