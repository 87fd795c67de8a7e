"""Who may subscribe to the channels of orders, and what these offer besides events."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from app.auth.principals import Principal
from app.core.schemas import RequestModel
from app.orders.access import visible
from app.realtime.channels import Question

FIELD_LENGTH = 100


class Editing(RequestModel):
    """What somebody tells the others on an order: the field that they are editing, or none."""

    editing: Annotated[str, Field(max_length=FIELD_LENGTH)] | None


class AllOrders:
    """`orders`: staff."""

    namespace = "orders"
    keyed = False
    presence = False
    signals: type[BaseModel] | None = None
    stored = True

    def may_subscribe(self, principal: Principal, _key: str) -> bool:
        return principal.is_staff


class OneOrder:
    """`orders:<id>`: whoever may see the order. One that does not exist looks the same."""

    namespace = "orders"
    keyed = True
    presence = True
    signals: type[BaseModel] | None = Editing
    stored = True

    def may_subscribe(self, principal: Principal, key: str) -> bool | Question:
        try:
            order_id = UUID(key)
        except ValueError:
            return False
        if str(order_id) != key:  # one spelling, or there would be many channels of one order
            return False

        return Question(visible, (principal, order_id))
