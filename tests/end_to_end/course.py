"""An order under many edits at once: what was sent and answered, and whether that adds up.

The contract's merging is written here once more, from the states that the answers showed and not
from events.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from httpx import Response

from app.orders.status import CLOSED
from tests.application import Person
from tests.orders.shop import Json

Fields = dict[str, Any]
"""status, note, and each line as `items/<sku>`."""


def content(order: Json) -> Json:
    """What edits can change."""
    return {name: order[name] for name in ("status", "note", "items")}


def line_of(sku: str) -> str:
    return f"items/{sku}"


def skus_of(order: Json) -> list[str]:
    return [line["sku"] for line in order.get("items", [])]


def lines_of(order: Json) -> Fields:
    return {line_of(line["sku"]): line for line in order["items"]}


def fields_of(order: Json) -> Fields:
    return {"status": order["status"], "note": order["note"], **lines_of(order)}


@dataclass(frozen=True)
class Attempt:
    """An edit and its answer; `base` is None for `*`."""

    person: Person
    body: Json
    base: int | None
    answer: Response

    @property
    def accepted(self) -> bool:
        return self.answer.status_code == 200

    @property
    def merged(self) -> bool:
        told: str | None = self.answer.headers.get("Tandem-Merged")
        return told == "true"

    @property
    def shown(self) -> Json:
        """The order that the answer shows."""
        body: Json = self.answer.json()
        shown: Json = body if self.accepted else body["current"]
        return shown

    @property
    def version(self) -> int:
        return int(self.shown["version"])

    def wanted(self, before: Json) -> Fields:
        """What it wants of the fields that it touches; None for a line that is to go."""
        wanted: Fields = {name: self.body[name] for name in ("status", "note") if name in self.body}
        if "items" in self.body:
            old, new = lines_of(before), lines_of(self.body)
            names = {**old, **new}
            wanted |= {name: new.get(name) for name in names if new.get(name) != old.get(name)}
        return wanted

    def knew(self, version: int) -> bool:
        return self.base is None or self.base >= version


@dataclass
class Course:
    """The states of one order by version, and all that was tried on it."""

    states: dict[int, Json]
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def order_id(self) -> str:
        return str(self.states[1]["id"])

    @property
    def last(self) -> int:
        return max(self.states)

    def add(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)
        if attempt.accepted:
            same = self.states.setdefault(attempt.version, attempt.shown)
            assert attempt.shown == same, "two answers show one version differently"

    def check(self) -> None:
        """Each answer is right, and nobody's accepted edit is lost to somebody who knew nothing."""
        assert sorted(self.states) == list(range(1, self.last + 1))
        assert all(self.states[version]["status"] not in CLOSED for version in range(1, self.last))
        for attempt in self.attempts:
            if attempt.accepted:
                self._check_accepted(attempt)
                self._check_kept(attempt)
            elif attempt.answer.status_code == 412:
                self._check_refused(attempt)
            elif attempt.answer.status_code == 403 and attempt.base is not None:
                seen = self.states[attempt.base]
                assert attempt.body["status"] != seen["status"], "what moves nothing is forbidden"
        for version in range(2, self.last + 1):
            assert list(self._authors(version)), f"nobody made version {version}"

    # ------------------------------------------------------------- each answer

    def _check_accepted(self, attempt: Attempt) -> None:
        """It made its version, or found all of it there already."""
        version = attempt.version
        assert self._made(attempt, version) or self._fits(attempt, version, version), attempt

    def _check_refused(self, attempt: Attempt) -> None:
        """It is told the present order, and exactly what conflicts with it."""
        assert attempt.shown == self.states[attempt.version]
        told = {conflict["field"]: conflict for conflict in attempt.answer.json()["conflicts"]}
        expected = self._conflicts(attempt, attempt.version)
        assert told.keys() == expected.keys() != set(), attempt
        for name, conflict in told.items():
            changed = self._change_against(name, attempt)
            values = {key: conflict[key] for key in ("base", "yours", "theirs")}
            assert values == expected[name]
            assert conflict["at"] == self.states[changed]["updated_at"]
            assert conflict["by"]["id"] in [str(who.person.id) for who in self._authors(changed)]

    def _check_kept(self, attempt: Attempt) -> None:
        """What it wanted is in its answer, until somebody who knew it wanted something else."""
        base = attempt.base or max(1, attempt.version - 1)
        for name, value in attempt.wanted(self.states[base]).items():
            assert self._value(name, attempt.version) == value
            later = range(attempt.version + 1, self.last + 1)
            lost = next((at for at in later if self._value(name, at) != value), None)
            origin = self._last_change(name, attempt.version)
            assert lost is None or any(who.knew(origin) for who in self._authors(lost)), attempt

    # ------------------------------------------------------------------ the model

    def _authors(self, version: int) -> Iterator[Attempt]:
        """Who may have made this version: more than one only if they sent the same."""
        answered = (each for each in self.attempts if each.accepted and each.version == version)
        return (attempt for attempt in answered if self._made(attempt, version))

    def _made(self, attempt: Attempt, version: int) -> bool:
        return version > 1 and self._fits(attempt, version - 1, version)

    def _fits(self, attempt: Attempt, before: int, after: int) -> bool:
        """Whether it leads from one version to the other, and was told so."""
        old, new = content(self.states[before]), content(self.states[after])
        return (
            not self._conflicts(attempt, before)
            and self._result(attempt, before) == new
            and (old != new) == (before != after)
            and attempt.merged == (attempt.base not in {None, before})
        )

    def _result(self, attempt: Attempt, present: int) -> Json:
        """Lines in the order of the edit if it changes any; those that it knows not stand last."""
        order, base = self.states[present], attempt.base or present
        fields = {**fields_of(order), **attempt.wanted(self.states[base])}
        skus = dict.fromkeys([*skus_of(attempt.body), *skus_of(order)])
        lines = [fields[name] for name in map(line_of, skus) if fields.get(name) is not None]
        changed = sorted(lines, key=str) != sorted(order["items"], key=str)
        return {**content({**order, **fields}), "items": lines if changed else order["items"]}

    def _conflicts(self, attempt: Attempt, present: int) -> dict[str, Fields]:
        """What it touches and a version in between has changed."""
        if attempt.base is None:
            return {}
        base, now = self.states[attempt.base], self.states[present]
        between = range(attempt.base + 1, present + 1)
        wanted = attempt.wanted(base)
        fields = [name for name in wanted if self._last_change(name, present) in between]
        if not fields and not self._result(attempt, present)["items"]:  # no line is left
            fields = [name for name in lines_of(now) if name in wanted]
        return {
            name: {
                "base": fields_of(base).get(name),
                "yours": wanted[name],
                "theirs": fields_of(now).get(name),
            }
            for name in fields
        }

    def _change_against(self, name: str, attempt: Attempt) -> int:
        """The version that a conflict tells of: the field's last, or else that of any line."""
        changed = self._last_change(name, attempt.version)
        if attempt.knew(changed):
            lines = {line for state in self.states.values() for line in lines_of(state)}
            changed = max(self._last_change(line, attempt.version) for line in lines)
        return changed

    def _value(self, name: str, version: int) -> Any:
        return fields_of(self.states[version]).get(name)

    def _last_change(self, name: str, version: int) -> int:
        """The newest version up to this one in which the field changed."""
        while version > 1 and self._value(name, version) == self._value(name, version - 1):
            version -= 1
        return version
