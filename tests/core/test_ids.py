from datetime import UTC, datetime

from app.core.ids import new_id


def test_ids_are_of_version_7() -> None:
    assert new_id().version == 7


def test_ids_sort_by_the_time_they_were_made() -> None:
    made = [new_id() for _ in range(10_000)]

    assert made == sorted(made)


def test_an_id_holds_the_millisecond_in_which_it_was_made() -> None:
    before = datetime.now(UTC).timestamp()
    made = (new_id().int >> 80) / 1000

    assert before - 0.002 <= made <= datetime.now(UTC).timestamp()
