"""Edits of an older version: what is put on top of what others did, and what conflicts."""

from typing import Any

import pytest

from app.core.ids import new_id
from app.orders.changes import LINE
from app.orders.later_changes import Change
from app.orders.merge import merge
from app.orders.models import Order, OrderStatus
from app.orders.schemas import MAX_ITEMS, ConflictRead, OrderUpdate
from app.users.schemas import PersonRead
from tests.orders.rows import NOON, a_line_read, an_order
from tests.orders.shop import Json

Given = tuple[str, int, str]

A, B, C, D = ("A", 1, "1.00"), ("B", 2, "2.00"), ("C", 3, "3.00"), ("D", 4, "4.00")
MORE_A, MOST_A = ("A", 5, "1.00"), ("A", 9, "1.00")
STEN = PersonRead(id=new_id(), name="Sten")


def lines(*given: Given) -> list[Json]:
    """As they are sent, and as they are shown."""
    return [a_line_read(*line) for line in given]


def changed(base: Any, theirs: Any) -> Change:
    return Change(base, theirs, STEN, NOON)


def changed_lines(base: list[Given], theirs: list[Given]) -> dict[str, Change]:
    """What others made of the lines."""
    old, new = ({line["sku"]: line for line in lines(*given)} for given in (base, theirs))
    return {
        f"{LINE}{sku}": changed(old.get(sku), new.get(sku))
        for sku in {**old, **new}
        if old.get(sku) != new.get(sku)
    }


def merged(order: Order, changes: dict[str, Change], **body: Any) -> OrderUpdate:
    """What is applied; nothing conflicts."""
    update, conflicts = merge(order, OrderUpdate.model_validate(body), changes)
    assert conflicts == []
    return update


def conflicts(order: Order, changes: dict[str, Change], **body: Any) -> dict[str, ConflictRead]:
    _, found = merge(order, OrderUpdate.model_validate(body), changes)
    return {conflict.field: conflict for conflict in found}


def merged_lines(base: list[Given], theirs: list[Given], yours: list[Given]) -> list[Json]:
    update = merged(an_order(*theirs), changed_lines(base, theirs), items=lines(*yours))
    return [item.model_dump() for item in update.items]


def conflicting_lines(
    base: list[Given], theirs: list[Given], yours: list[Given]
) -> dict[str, ConflictRead]:
    return conflicts(an_order(*theirs), changed_lines(base, theirs), items=lines(*yours))


# ---------------------------------------------------------------- status and note


def test_what_others_did_to_fields_that_were_not_sent_conflicts_with_nothing() -> None:
    order = an_order(MORE_A, status=OrderStatus.ACCEPTED)
    changes = {"status": changed("placed", "accepted"), **changed_lines([A], [MORE_A])}

    update = merged(order, changes, note="yours")

    assert update.model_dump(include=update.model_fields_set) == {"note": "yours"}


def test_a_conflict_tells_base_yours_theirs_and_who_and_when() -> None:
    order = an_order(A, note="theirs")

    found = conflicts(order, {"note": changed("base", "theirs")}, note="yours")

    assert found["note"].model_dump(mode="json") == {
        "field": "note",
        "base": "base",
        "yours": "yours",
        "theirs": "theirs",
        "by": STEN.model_dump(mode="json"),
        "at": "2026-01-31T12:00:00.000000Z",
    }


def test_only_what_conflicts_is_told() -> None:
    order = an_order(MORE_A, B, note="theirs", status=OrderStatus.ACCEPTED)
    changes = {
        "note": changed(None, "theirs"),
        "status": changed("placed", "accepted"),
        **changed_lines([A, B], [MORE_A, B]),
    }

    found = conflicts(order, changes, note="yours", items=lines(A, D))

    assert found.keys() == {"note"}


@pytest.mark.parametrize(
    ("field", "base", "value"), [("note", "base", "same"), ("status", "placed", "cancelled")]
)
def test_who_wants_what_others_made_it_conflicts_too(field: str, base: str, value: str) -> None:
    found = conflicts(an_order(A), {field: changed(base, value)}, **{field: value})

    assert found.keys() == {field}
    assert (found[field].base, found[field].yours, found[field].theirs) == (base, value, value)


@pytest.mark.parametrize(
    ("field", "base", "theirs"), [("note", None, "theirs"), ("status", "placed", "accepted")]
)
def test_a_status_or_note_that_is_sent_as_it_was_is_wanted_so(
    field: str, base: str | None, theirs: str
) -> None:
    assert conflicts(an_order(A), {field: changed(base, theirs)}, **{field: base}).keys() == {field}


def test_what_others_changed_and_changed_back_conflicts_too() -> None:
    order = an_order(A, note="base")

    assert conflicts(order, {"note": changed("base", "base")}, note="yours").keys() == {"note"}


# -------------------------------------------------------------------------- lines


@pytest.mark.parametrize(
    ("theirs", "yours", "result"),
    [
        pytest.param([MORE_A, B], [A, B], [MORE_A, B], id="not touched, changed by others"),
        pytest.param([B], [A, B], [B], id="not touched, taken away by others"),
        pytest.param([A, B, C], [A, B], [A, B, C], id="added by others"),
        pytest.param([MORE_A, B], [A, B, D], [MORE_A, B, D], id="added beside their change"),
        pytest.param([MORE_A, B], [A], [MORE_A], id="taken away beside their change"),
        pytest.param([A, B, C], [MORE_A, B], [MORE_A, B, C], id="changed beside their new line"),
        pytest.param([A], [MORE_A, B], [MORE_A], id="changed beside what they took away"),
        pytest.param([A, B, C], [D, B, A], [D, B, A, C], id="in your order, theirs at the end"),
    ],
)
def test_lines_merge_one_by_one(
    theirs: list[Given], yours: list[Given], result: list[Given]
) -> None:
    assert merged_lines([A, B], theirs, yours) == lines(*result)


@pytest.mark.parametrize(
    ("theirs", "yours"),
    [
        pytest.param([MORE_A, B], [MOST_A, B], id="changed by both"),
        pytest.param([MORE_A, B], [B], id="taken away what they changed"),
        pytest.param([B], [MOST_A, B], id="changed what they took away"),
        pytest.param([MORE_A, B], [MORE_A, B], id="changed to the same"),
        pytest.param([B], [B], id="taken away by both"),
    ],
)
def test_a_line_conflicts_when_both_touch_it(theirs: list[Given], yours: list[Given]) -> None:
    found = conflicting_lines([A, B], theirs, yours)

    values = {line["sku"]: line for line in lines(*yours)}
    assert found.keys() == {"items/A"}
    assert (found["items/A"].base, found["items/A"].yours) == (a_line_read(*A), values.get("A"))
    assert found["items/A"].theirs == next(
        (line for line in lines(*theirs) if line["sku"] == "A"), None
    )


@pytest.mark.parametrize("yours", [MORE_A, A], ids=["another", "the same"])
def test_a_line_that_both_add_conflicts(yours: Given) -> None:
    found = conflicting_lines([B], [B, A], [B, yours])

    assert found.keys() == {"items/A"}
    assert (found["items/A"].base, found["items/A"].theirs) == (None, a_line_read(*A))


def test_a_line_in_another_spelling_is_not_touched() -> None:
    theirs = [MORE_A, B]

    assert merged_lines([A, B], theirs, [("A", 1, "1"), ("B", 2, "2.0")]) == lines(*theirs)


def test_a_sku_may_have_slashes() -> None:
    base, theirs = ("A/1", 1, "1.00"), ("A/1", 2, "1.00")

    assert merged_lines([base], [theirs], [base, B]) == lines(theirs, B)


def test_lines_in_yen_merge_without_digits() -> None:
    base, theirs = lines(("A", 1, "150")), lines(("A", 1, "200"))
    order = an_order(("A", 1, "200.00"), currency="JPY")
    changes = {f"{LINE}A": changed(base[0], theirs[0])}

    assert merged(order, changes, items=base).items[0].unit_price == "200"
    assert conflicts(order, changes, items=lines(("A", 1, "250")))["items/A"].yours == {
        **base[0],
        "unit_price": "250",
    }


def test_more_lines_together_than_an_order_has_conflict_where_you_added_some() -> None:
    base = [(f"base {nth}", 1, "1.00") for nth in range(MAX_ITEMS - 1)]

    found = conflicting_lines(base, [*base, C], [MORE_A, *base])

    assert found.keys() == {"items/A"}
    assert found["items/A"].model_dump(mode="json") == {
        "field": "items/A",
        "base": None,
        "yours": a_line_read(*MORE_A),
        "theirs": None,
        "by": STEN.model_dump(mode="json"),
        "at": "2026-01-31T12:00:00.000000Z",
    }


def test_as_many_lines_together_as_an_order_may_have_are_merged() -> None:
    base = [(f"base {nth}", 1, "1.00") for nth in range(MAX_ITEMS - 2)]

    assert len(merged_lines(base, [*base, C], [A, *base])) == MAX_ITEMS


def test_no_line_at_all_that_is_left_conflicts_where_you_took_them_away() -> None:
    found = conflicting_lines([A, B], [A], [B])

    assert found.keys() == {"items/A"}
    assert (found["items/A"].base, found["items/A"].yours) == (a_line_read(*A), None)
    assert found["items/A"].theirs == a_line_read(*A)


def test_a_line_of_others_that_could_not_be_sent_today_is_kept() -> None:
    old = ("\u202e", 1, "1.00")

    assert merged_lines([A], [A, old], [MORE_A]) == lines(MORE_A, old)
