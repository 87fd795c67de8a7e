"""`make proof`: the long proofs, one after the other, a summary table, results under .proof/.

Each proof is a test of the suite in its long form (PROOF=1), so that the short form that runs
every time and the long one are the same code.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(".proof")


@dataclass
class Proof:
    """A claim, and the tests that show it."""

    name: str
    claim: str
    tests: list[str]
    passed: bool = False
    seconds: float = 0.0
    summary: str = ""


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
]


def run(proof: Proof) -> None:
    environment = {**os.environ, "PROOF": "1", "TANDEM_PROPERTY_EXAMPLES": "600"}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "--timeout", "1800", *proof.tests]
    options = ["-o", "log_cli=true", "-o", "log_cli_level=INFO"]
    begun = time.monotonic()
    done = subprocess.run(  # noqa: S603 - our own tests
        [*command, *options], env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    proof.seconds = round(time.monotonic() - begun, 1)
    proof.passed = done.returncode == 0
    proof.summary = done.stdout.strip().splitlines()[-1].strip("= ")
    (RESULTS / f"{proof.name}.log").write_text(done.stdout)


def main() -> int:
    """0 if every proof held."""
    RESULTS.mkdir(exist_ok=True)
    wanted = set(sys.argv[1:])
    proofs = [proof for proof in PROOFS if not wanted or proof.name in wanted]
    for proof in proofs:
        print(f"{proof.name:8} {proof.claim} …", flush=True)  # noqa: T201 - a command prints
        run(proof)
    (RESULTS / "results.json").write_text(json.dumps([asdict(one) for one in proofs], indent=1))
    width = max(len(proof.claim) for proof in proofs)
    for proof in proofs:
        verdict = "holds" if proof.passed else "FAILS"
        print(f"{verdict}  {proof.claim:{width}}  {proof.seconds:7.1f} s  {proof.summary}")  # noqa: T201
    return 0 if all(proof.passed for proof in proofs) else 1


if __name__ == "__main__":
    sys.exit(main())
