"""Mirror: the changes that a wire may lose, and the readings that make up for them."""

import json
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.realtime.presence.lease_store import Found
from app.realtime.presence.mirror import Change, Mirror, Told

STEPS = ["join", "leave", "deliver", "lose", "expect", "look", "correct", "empty"]


def started(version: int = 0, **present: bytes) -> Mirror:
    mirror = Mirror()
    assert mirror.correct(Found(version, present), whole=True) == []
    return mirror


def join(before: int, version: int, client: str) -> Change:
    return Change(before, version, {client: client.encode()}, [])


def leave(before: int, version: int, client: str) -> Change:
    return Change(before, version, {}, [client])


# ------------------------------------------------------------------------ changes


def test_a_change_comes_off_the_wire() -> None:
    info = json.dumps({"user": "7", "conn_info": {"name": "Æ b"}}, ensure_ascii=False).encode()
    change = Change.decode(b"7 9\n+one " + info + b"\n-two\n-three")
    assert change == Change(7, 9, {"one": info}, ["two", "three"])


@pytest.mark.parametrize("data", [b"", b"7", b"7 8 9\n-a", b"x 1\n-a", b"{}"])
def test_what_is_no_change_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - several reasons, one type
        Change.decode(data)


def test_changes_in_a_row_are_told() -> None:
    mirror = started(5)
    assert mirror.hear(join(5, 6, "a")) == [Told("join", b"a")]
    assert mirror.hear(leave(6, 9, "a")) == [Told("leave", b"a")]
    assert (mirror.present, mirror.version, mirror.unsure) == ({}, 9, False)


def test_a_change_that_was_read_already_is_not_told_again() -> None:
    mirror = started(6, a=b"a")
    assert mirror.hear(join(5, 6, "a")) == []
    assert not mirror.unsure


def test_a_join_of_somebody_known_and_a_leave_of_a_stranger_are_not_told() -> None:
    mirror = started(6, a=b"a")
    assert mirror.hear(join(6, 7, "a")) == []
    assert mirror.hear(leave(7, 8, "b")) == []
    assert not mirror.unsure


def test_a_change_after_a_lost_one_is_told_and_raises_doubt() -> None:
    mirror = started(5)
    assert mirror.hear(join(6, 7, "b")) == [Told("join", b"b")]
    assert mirror.unsure


# ----------------------------------------------------------------------- readings


def test_a_reading_is_told_as_its_difference() -> None:
    mirror = started(5, a=b"a", b=b"b")
    told = mirror.correct(Found(9, {"b": b"b", "c": b"c"}), whole=True)
    assert told == [Told("leave", b"a"), Told("join", b"c")]


def test_whoever_is_missing_from_a_doubtful_reading_stays() -> None:
    mirror = started(5, a=b"a", b=b"b")
    assert mirror.correct(Found(0, {"b": b"b", "c": b"c"}), whole=False) == [Told("join", b"c")]
    assert set(mirror.present) == {"a", "b", "c"}
    assert not mirror.whole
    assert mirror.correct(Found(3, {"c": b"c"}), whole=True) == [
        Told("leave", b"a"),
        Told("leave", b"b"),
    ]


def test_changes_that_overtake_a_reading_are_told_after_it() -> None:
    mirror = started(5)
    mirror.expect()
    assert mirror.hear(join(5, 6, "a")) == []
    assert mirror.hear(join(6, 7, "b")) == []
    assert mirror.correct(Found(6, {"a": b"a"}), whole=True) == [
        Told("join", b"a"),
        Told("join", b"b"),
    ]
    assert (mirror.version, mirror.unsure) == (7, False)


def test_a_change_lost_after_a_reading_raises_doubt_again() -> None:
    mirror = started(5)
    mirror.expect()
    mirror.hear(join(7, 8, "b"))
    mirror.correct(Found(6, {}), whole=True)
    assert mirror.unsure


def test_changes_heard_during_a_reading_that_failed_are_told() -> None:
    mirror = started(5)
    mirror.expect()
    mirror.hear(join(5, 6, "a"))
    assert mirror.abandon() == [Told("join", b"a")]
    assert mirror.unsure


def test_before_the_first_reading_nothing_is_told() -> None:
    mirror = Mirror()
    assert mirror.hear(join(0, 6, "a")) == []
    mirror.expect()
    mirror.hear(leave(6, 7, "a"))
    assert mirror.correct(Found(7, {"b": b"b"}), whole=True) == []
    assert mirror.present == {"b": b"b"}


# -------------------------------------------------------------------------- model


class Wire:
    """A channel in Redis, the changes under way from it, and a watcher who replays."""

    def __init__(self) -> None:
        self.version, self.tick = 0, 0
        self.present: dict[str, bytes] = {}
        self.under_way: deque[Change] = deque()
        self.reading: Found | None = None
        self.mirror = started()
        self.replay: set[str] = set()
        self.emptied = False

    def step(self, name: str, client: str = "") -> None:
        """Something happens; nothing, where it cannot."""
        match name:
            case "join" if client not in self.present:
                self.present[client] = client.encode()
                self.change({client: client.encode()}, [])
            case "leave" if client in self.present:
                del self.present[client]
                self.change({}, [client])
            case "empty":
                self.present, self.version, self.emptied = {}, 0, True
            case "deliver" | "lose" if self.under_way:
                change = self.under_way.popleft()
                self.tell(self.mirror.hear(change) if name == "deliver" else [])
            case _:
                self.read(name)

    def read(self, name: str) -> None:
        match name:
            case "expect" if not self.mirror.is_being_read:
                self.mirror.expect()
            case "look" if self.mirror.is_being_read:
                self.reading = Found(self.version, dict(self.present))
            case "correct" if self.reading is not None:
                self.tell(self.mirror.correct(self.reading, whole=True))
                self.reading = None

    def change(self, joined: dict[str, bytes], left: list[str]) -> None:
        self.tick += 1
        self.under_way.append(Change(self.version, self.tick, joined, left))
        self.version = self.tick

    def tell(self, told: list[Told]) -> None:
        for kind, info in told:
            client = info.decode()
            assert (client in self.replay) == (kind == "leave")
            self.replay ^= {client}


@given(st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from("abc")), max_size=60))
def test_a_mirror_that_is_sure_shows_what_is_there(steps: list[tuple[str, str]]) -> None:
    wire = Wire()
    for name, client in steps:
        wire.step(name, client)
        assert wire.replay == set(wire.mirror.present)
        sure = not wire.mirror.unsure and not wire.mirror.is_being_read and not wire.emptied
        if sure and wire.mirror.version == wire.version:
            assert wire.mirror.present == wire.present


@given(st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from("abc")), max_size=60))
def test_one_reading_when_all_is_quiet_puts_everything_right(steps: list[tuple[str, str]]) -> None:
    wire = Wire()
    for name, client in steps:
        wire.step(name, client)
    for _ in range(len(wire.under_way)):
        wire.step("deliver")
    for name in ("look", "correct", "expect", "look", "correct"):
        wire.step(name)
    assert wire.replay == set(wire.present)
    assert not wire.mirror.unsure
