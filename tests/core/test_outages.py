"""What is told of something that is away."""

import logging

import pytest

from app.core.outages import Outage


@pytest.fixture
def outage(caplog: pytest.LogCaptureFixture) -> Outage:
    caplog.set_level(logging.INFO)
    return Outage(logging.getLogger("outage"), "lost", "back")


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.message) for record in caplog.records]


def test_an_outage_is_told_of_once_and_so_is_its_end(
    outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        outage.begin(OSError(number))
    for _ in range(3):
        outage.end()

    assert told(caplog) == [("WARNING", "lost"), ("INFO", "back")]
    assert caplog.records[0].__dict__["error"] == "OSError(0)"
    assert caplog.records[1].__dict__["after_seconds"] >= 0


def test_another_kind_of_error_is_told_of_too_and_each_kind_once(
    outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    """Postgres was not up yet, and then the password turns out to be wrong."""
    for error in (ConnectionRefusedError(), TimeoutError(), ValueError("password")) * 2:
        outage.begin(error)
    outage.end()

    assert told(caplog) == [("WARNING", "lost")] * 3 + [("INFO", "back")]
    assert [record.__dict__["error"] for record in caplog.records[:3]] == [
        "ConnectionRefusedError()",
        "TimeoutError()",
        "ValueError('password')",
    ]


def test_an_outage_knows_its_newest_kind_of_error_and_for_how_long_it_lasts(
    outage: Outage,
) -> None:
    before = outage.seconds
    outage.begin(ConnectionRefusedError())
    outage.begin(ValueError("a password"))
    begun = outage.seconds

    assert (before, outage.kind) == (0, "ValueError")
    assert 0 < begun < outage.seconds


def test_the_next_outage_is_told_of_again(outage: Outage, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        outage.begin(OSError())
        outage.end()

    assert told(caplog) == [("WARNING", "lost"), ("INFO", "back")] * 2


def test_where_some_do_without_an_outage_lasts_until_nobody_fails_any_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    outage = Outage(logging.getLogger("outage"), "lost", "back", calm_seconds=60)
    for _ in range(3):
        outage.begin(OSError())
        outage.end()
    assert (told(caplog), outage.lasts) == ([("WARNING", "lost")], True)


def test_an_outage_is_over_once_it_was_calm_for_so_long(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    outage = Outage(logging.getLogger("outage"), "lost", "back", calm_seconds=0.001)
    outage.begin(OSError())
    while outage.lasts:
        outage.end()
    assert told(caplog) == [("WARNING", "lost"), ("INFO", "back")]
    assert caplog.records[1].__dict__["after_seconds"] >= 0.001


def test_what_never_failed_is_not_told_of(outage: Outage, caplog: pytest.LogCaptureFixture) -> None:
    outage.end()

    assert told(caplog) == []
