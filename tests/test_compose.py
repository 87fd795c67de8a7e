"""compose.yaml: what keeps running, and what comes back."""

import re
from pathlib import Path

COMPOSE = (Path(__file__).parents[1] / "compose.yaml").read_text()
DONE = "condition: service_completed_successfully"


def services() -> dict[str, str]:
    """By name, what stands below it."""
    block = re.search(r"^services:\n((?: .*\n|\n)+)", COMPOSE, re.MULTILINE)
    assert block is not None
    return dict(re.findall(r"^  (\w+):\n((?:    .*\n|\n)+)", block[1], re.MULTILINE))


def test_all_but_what_is_done_once_comes_back_after_a_reboot_or_a_kill() -> None:
    once = set(re.findall(rf"^      (\w+):\n +{DONE}$", COMPOSE, re.MULTILINE))
    kept = {name for name, text in services().items() if "\n    restart: unless-stopped\n" in text}

    assert once == {"migrate"}
    assert kept == set(services()) - once
    assert kept >= {"app", "postgres", "valkey"}
