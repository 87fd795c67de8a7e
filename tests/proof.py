"""`make proof`: the long proofs, one after the other, a summary table, results under .proof/.

Each proof is a test of the suite in its long form (PROOF=1), so that the short form that runs
every time and the long one are the same code.
"""

import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

RESULTS = Path(".proof")
FIGURES_WIDTH = 120
INDENT = "       "


@dataclass
class Proof:
    """A claim, and the tests that show it."""

    name: str
    claim: str
    tests: list[str]
    passed: bool = False
    seconds: float = 0.0
    summary: str = ""
    figures: list[dict[str, Any]] = field(default_factory=list)
    """What its tests measured: {"test", "figures"} each."""


E2E = "tests/end_to_end"
PROOFS = [
    Proof(
        "fan-out",
        "1,000 orders, 50 sockets, 2 workers: each once, in order, equal to the rows",
        [f"{E2E}/test_fan_out.py"],
    ),
    Proof(
        "kills",
        "100 random kill -9: nothing lost, nothing twice, all within 2 s",
        [f"{E2E}/test_crashes.py::test_random_kills_lose_and_repeat_nothing"],
    ),
    Proof(
        "relay",
        "a kill at each await of the relay loses and repeats nothing",
        [
            f"{E2E}/test_crashes.py::test_a_worker_killed_at_each_await_of_the_relay_loses_and_repeats_nothing"
        ],
    ),
    Proof("redis", "Redis frozen for 10 s: p99 under 1 s, no loss", [f"{E2E}/test_redis_away.py"]),
    Proof("resume", "whoever was away gets exactly what was missed", [f"{E2E}/test_resume.py"]),
    Proof(
        "state",
        "state before + events received == state after, 600 random courses",
        [f"{E2E}/test_state_property.py"],
    ),
    Proof(
        "merging",
        "many edits of old versions, 600 random courses: none lost without a 412 to its author",
        [f"{E2E}/test_merge_property.py"],
    ),
    Proof(
        "scrolling",
        "1,000 orders on the board, a scroll of 2 s: no task over 100 ms, median of three",
        [f"{E2E}/pages/test_scrolling.py"],
    ),
    Proof(
        "soak",
        "500 clients cut, a worker killed, Valkey restarted, frozen, flushed: 0 lost, 0 repeated",
        [f"{E2E}/test_soak.py"],
    ),
    Proof(
        "storm",
        "2,000 clients return at once: a handful of log reads, p99 of the others <= 2x or 50 ms",
        [f"{E2E}/test_storm.py"],
    ),
    Proof(
        "slow",
        "two of 1,000 clients stop reading: memory < 5 MB more, p99 of the others <= 1.25x",
        [f"{E2E}/test_slow_readers.py"],
    ),
    Proof(
        "revocation",
        "a role lost on 200 sockets: nothing more after 0.3 s, 1 s when the message is lost",
        [f"{E2E}/test_revocation.py"],
    ),
    Proof(
        "presence",
        "a worker with 500 clients killed: leaves within 5 s; idle clients cost Redis nothing",
        [f"{E2E}/test_presence.py"],
    ),
    Proof(
        "restart",
        "two workers replaced under 1,000 clients: nobody misses anything, closes are spread",
        [f"{E2E}/test_rolling_restart.py"],
    ),
    Proof(
        "transaction",
        "a write transaction open for 5 s: p99 of the others <= 1.25x",
        [f"{E2E}/test_long_transaction.py"],
    ),
    Proof(
        "fuzz",
        "100,000 broken commands: only answers of the contract, no traceback, memory flat",
        [f"{E2E}/test_fuzz.py"],
    ),
    Proof(
        "conformance",
        "Schemathesis finds no difference between the REST API and its document, in any role",
        [f"{E2E}/test_conformance.py"],
    ),
    Proof(
        "defects",
        "the load suite finds each lost, repeated and swapped event in every scenario",
        ["tests/load/test_defects.py"],
    ),
    Proof(
        "autobahn",
        "Autobahn's cases 1 to 7, 9, 10: as a route and taken over, on both event loops",
        ["tests/realtime/test_autobahn.py"],
    ),
]


def run(proof: Proof) -> None:
    directory = RESULTS / "figures" / proof.name
    shutil.rmtree(directory, ignore_errors=True)
    environment = {
        **os.environ,
        "PROOF": "1",
        "PROOF_FIGURES": str(directory),
        "PROPERTY_EXAMPLES": "600",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "--timeout", "1800", *proof.tests]
    options = ["-o", "log_cli=true", "-o", "log_cli_level=INFO", "--log-disable=httpx"]
    begun = time.monotonic()
    done = subprocess.run(  # noqa: S603 - our own tests
        [*command, *options], env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    proof.seconds = round(time.monotonic() - begun, 1)
    proof.passed = done.returncode == 0
    proof.summary = done.stdout.strip().splitlines()[-1].strip("= ")
    proof.figures = [json.loads(file.read_text()) for file in sorted(directory.glob("*.json"))]
    (RESULTS / f"{proof.name}.log").write_text(done.stdout)


def told(proof: Proof) -> list[str]:
    """Its lines of the table: the verdict, then a line for each test that measured something."""
    width = max(len(each.claim) for each in PROOFS)
    verdict = "holds" if proof.passed else "FAILS"
    lines = [f"{verdict}  {proof.claim:{width}}  {proof.seconds:7.1f} s  {proof.summary}"]
    for each in proof.figures:
        figures = ", ".join(f"{name} {figure}" for name, figure in each["figures"].items())
        line = f"{each['test']}: {figures}"
        lines += textwrap.wrap(
            line, FIGURES_WIDTH, initial_indent=INDENT, subsequent_indent=f"{INDENT}  "
        )
    return lines


def main() -> int:
    """0 if every proof held."""
    RESULTS.mkdir(exist_ok=True)
    wanted = set(sys.argv[1:])
    proofs = [proof for proof in PROOFS if not wanted or proof.name in wanted]
    for proof in proofs:
        print(f"{proof.name:11} {proof.claim} …", flush=True)  # noqa: T201 - a command prints
        run(proof)
    (RESULTS / "results.json").write_text(json.dumps([asdict(one) for one in proofs], indent=1))
    for line in chain.from_iterable(map(told, proofs)):
        print(line)  # noqa: T201
    return 0 if all(proof.passed for proof in proofs) else 1


if __name__ == "__main__":
    sys.exit(main())
