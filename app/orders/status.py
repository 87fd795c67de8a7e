"""The status machine of an order."""

from app.orders.errors import IllegalStatusChange, OrderClosed
from app.orders.models import OrderStatus

STEPS = (
    OrderStatus.PLACED,
    OrderStatus.ACCEPTED,
    OrderStatus.PREPARING,
    OrderStatus.READY,
    OrderStatus.COMPLETED,
)
CLOSED = (OrderStatus.COMPLETED, OrderStatus.CANCELLED)


def next_statuses(present: OrderStatus, *, by_staff: bool) -> tuple[OrderStatus, ...]:
    """Where an order may go from here: staff move it on or cancel it, its owner may cancel it
    while it is placed.
    """
    if present in CLOSED:
        return ()
    if not by_staff:
        return (OrderStatus.CANCELLED,) if present is OrderStatus.PLACED else ()
    return (STEPS[STEPS.index(present) + 1], OrderStatus.CANCELLED)


def check_move(present: OrderStatus, wanted: OrderStatus, *, by_staff: bool) -> None:
    """Raises IllegalStatusChange; to stay is always allowed."""
    if wanted is not present and wanted not in next_statuses(present, by_staff=by_staff):
        raise IllegalStatusChange(f"An order that is {present} cannot become {wanted}.")


def check_editable(present: OrderStatus) -> None:
    """Raises OrderClosed."""
    if present in CLOSED:
        raise OrderClosed
