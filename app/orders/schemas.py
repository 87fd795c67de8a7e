"""What comes in and goes out about orders."""

import re
from decimal import Decimal
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from app.core.schemas import (
    CHARACTER_BYTES,
    NAMING,
    STORABLE,
    VISIBLE,
    Digits,
    QueryModel,
    ReadModel,
    RequestModel,
    Time,
    check_string,
)
from app.orders.models import Currency, Order, OrderItem, OrderStatus
from app.users.schemas import PersonRead

MAX_ITEMS = 100
MAX_QUANTITY = 10_000
SKU_LENGTH = 64
NAME_LENGTH = 200
NOTE_LENGTH = 2_000
SEARCH_LENGTH = 100
PAGE_SIZE = 50
PAGE_MAX_SIZE = 200
COMMENT_LENGTH = 2_000
MAX_COLLABORATORS = 50
"""Every event names them all and goes to each of them, so its cost grows with their square."""
ORDER_BYTES = CHARACTER_BYTES * (NOTE_LENGTH + MAX_ITEMS * (SKU_LENGTH + NAME_LENGTH)) + 180_000
"""Of a body. The rest is for names of fields, numbers and white space, 1,800 bytes a line."""
COMMENT_BYTES = CHARACTER_BYTES * COMMENT_LENGTH + 8_000
LAST_VERSION = 2**63 - 1
MONEY = r"^(0|[1-9][0-9]{0,9})(\.[0-9]{1,2})?$"


def _as_money(value: str) -> str:
    if re.fullmatch(MONEY, value) is None:
        raise ValueError("must be an amount such as 14.00, below 10 billion")
    return value


# Decimals come as strings: the pattern is checked on what was sent, before it is a number.
Money = Annotated[
    str,
    AfterValidator(_as_money),
    Field(
        examples=["14.00"],
        description="An amount, in a string, with the currency's digits",
        json_schema_extra={"pattern": MONEY},
    ),
]
Sku = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=SKU_LENGTH), NAMING
]
ItemName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_LENGTH), NAMING
]
Note = Annotated[str, StringConstraints(max_length=NOTE_LENGTH), STORABLE]
CommentText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=COMMENT_LENGTH), VISIBLE
]
Search = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=SEARCH_LENGTH), STORABLE
]
SomeStatus = Annotated[OrderStatus, Field(strict=False), BeforeValidator(check_string)]
SomeCurrency = Annotated[Currency, Field(strict=False), BeforeValidator(check_string)]


class OrderItemWrite(RequestModel):
    sku: Sku
    name: ItemName
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY)]
    unit_price: Money


def _skus_stand_once(items: list[OrderItemWrite]) -> list[OrderItemWrite]:
    skus = [item.sku for item in items]
    twice = sorted({sku for sku in skus if skus.count(sku) > 1})
    if twice:
        raise ValueError(f"a sku stands once in an order; more than once: {', '.join(twice)}")
    return items


Items = Annotated[
    list[OrderItemWrite],
    Field(min_length=1, max_length=MAX_ITEMS),
    AfterValidator(_skus_stand_once),
]


class OrderCreate(RequestModel):
    """The digits of its money are checked by the service, as those of an edit are."""

    max_bytes: ClassVar[int] = ORDER_BYTES
    currency: SomeCurrency
    note: Note | None = None
    items: Items


class OrderUpdate(RequestModel):
    """What is left out stays; `items` replaces all lines. Defaults only say that a field may be
    left out; those of a factory stand in no OpenAPI document, where a client could send them.
    """

    max_bytes: ClassVar[int] = ORDER_BYTES
    status: SomeStatus = Field(default_factory=lambda: OrderStatus.PLACED)
    note: Note | None = None
    items: Items = Field(default_factory=list)


class OrderQuery(QueryModel):
    status: OrderStatus | None = None
    owner_id: UUID | None = None
    q: Search = ""
    """Part of a number, note, owner's name, or an item's name or sku."""
    limit: Annotated[Digits, Field(ge=1, le=PAGE_MAX_SIZE)] = PAGE_SIZE
    """At most: a page of long orders has fewer. The last page has no `next_cursor`."""
    cursor: UUID | None = None
    """`next_cursor` of the page before."""


class CommentCreate(RequestModel):
    max_bytes: ClassVar[int] = COMMENT_BYTES
    text: CommentText


class VersionsQuery(QueryModel):
    """A page of what belongs to an order's versions: comments, or history."""

    limit: Annotated[Digits, Field(ge=1, le=PAGE_MAX_SIZE)] = PAGE_SIZE
    """At most: a page of long events has fewer. The last page has no `next_cursor`."""
    cursor: Annotated[Digits, Field(ge=0, le=LAST_VERSION)] = 0
    """`next_cursor` of the page before: what has a higher version follows."""


class OrderItemRead(ReadModel):
    sku: str
    name: str
    quantity: int
    unit_price: str


class OrderRead(ReadModel):
    id: UUID
    number: int
    version: int
    status: OrderStatus
    currency: Currency
    note: str | None
    items: list[OrderItemRead]
    total: str
    owner: PersonRead
    collaborators: list[PersonRead]
    created_at: Time
    updated_at: Time


class OrderReference(ReadModel):
    """All that somebody learns of an order that they do not see any more."""

    id: UUID
    version: int


class CommentRead(ReadModel):
    id: UUID
    author: PersonRead
    text: str
    created_at: Time


class CommentPage(ReadModel):
    items: list[CommentRead]
    next_cursor: str | None


class PositionRead(ReadModel):
    """Follow `channel` from here, and nothing after this list is missed."""

    channel: str
    epoch: str
    offset: int


class OrderPage(ReadModel):
    items: list[OrderRead]
    next_cursor: UUID | None
    position: PositionRead


class ConflictRead(ReadModel):
    """A field that changed after the version on which an edit was based."""

    field: str
    base: Any
    yours: Any
    theirs: Any
    by: PersonRead | None
    at: Time


def check_money(amount: str, currency: Currency) -> None:
    """Raises ValueError for more digits than the currency has."""
    _, _, fraction = amount.partition(".")
    if len(fraction) > currency.digits:
        raise ValueError(f"{currency} has {currency.digits} digits after the point, not {amount}")


def format_money(amount: Decimal, currency: Currency) -> str:
    return f"{amount:.{currency.digits}f}"


def read_item(item: OrderItem, currency: Currency) -> OrderItemRead:
    return OrderItemRead(
        sku=item.sku,
        name=item.name,
        quantity=item.quantity,
        unit_price=format_money(item.unit_price, currency),
    )


def read_order(order: Order) -> OrderRead:
    """The order as everybody sees it; its owner, items and collaborators must be loaded."""
    currency = Currency(order.currency)
    total = sum((item.quantity * item.unit_price for item in order.items), Decimal(0))
    return OrderRead(
        id=order.id,
        number=order.number,
        version=order.version,
        status=OrderStatus(order.status),
        currency=currency,
        note=order.note,
        items=[read_item(item, currency) for item in order.items],
        total=format_money(total, currency),
        owner=PersonRead(id=order.owner.id, name=order.owner.name),
        collaborators=[PersonRead(id=user.id, name=user.name) for user in order.collaborators],
        created_at=order.created_at,
        updated_at=order.updated_at,
    )
