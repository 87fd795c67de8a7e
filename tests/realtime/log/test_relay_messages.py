"""From numbered rows to messages: what goes to Redis, in which order."""

from datetime import UTC, datetime

from app.realtime.log.relay import messages_of

NOW = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


def row(
    event: int, name: str | None, offset: int | None, payload: str | None = "{}"
) -> dict[str, object]:
    return {"id": event, "name": name, "offset": offset, "payload": payload, "at": NOW}


def test_consecutive_events_of_a_channel_are_one_message() -> None:
    rows = [row(1, "a", 4), row(1, "b", 9, None), row(2, "a", 5)]
    messages = messages_of(rows)
    assert [(each.channel, each.offset, len(each.payloads)) for each in messages] == [
        ("a", 4, 2),
        ("b", 9, 1),
    ]
    assert messages[0].ats == [NOW] * 2


def test_a_change_of_rights_keeps_its_place_among_the_events() -> None:
    rows = [row(1, "a", 1), row(2, "$control", 1), row(3, "a", 2), row(4, "a", 3)]
    assert [(each.channel, each.offset) for each in messages_of(rows)] == [
        ("a", 1),
        ("$control", 1),
        ("a", 2),
    ]


def test_a_message_that_is_large_enough_is_followed_by_another() -> None:
    large = "x" * 200_000
    rows = [row(number, "a", number, large) for number in range(1, 5)]
    assert [(each.offset, len(each.payloads)) for each in messages_of(rows)] == [(1, 2), (3, 2)]


def test_an_event_of_no_channel_makes_no_message() -> None:
    assert messages_of([row(1, None, None)]) == []
