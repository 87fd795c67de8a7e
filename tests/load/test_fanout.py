"""The whole command against a server of its own."""

import json
from pathlib import Path

from tests.load.command import run_load

SECONDS = 110


async def test_a_short_run_is_clean_and_says_what_it_measured(tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    flags = ("--connections", "10", "--rate", "20", "--duration", "2", "--json", str(file))
    done = await run_load("fanout", *flags, seconds=SECONDS)
    assert done.code == 0, done.out + done.err
    assert "clean" in done.out
    (result,) = json.loads(file.read_text())["results"]
    assert (result["peer"], result["scenario"]) == ("tandem", "fanout")
    assert (result["connections"], result["rate"]) == (10, 20.0)
    assert (result["lost"], result["duplicated"], result["out_of_order"]) == (0, 0, 0)
    assert 0 < result["deliveries_per_s"] < 300
    assert 0 < result["p50_ms"] <= result["p90_ms"] <= result["p99_ms"] <= result["max_ms"]
    assert result["server_cpu"] > 0
    assert result["server_rss_mb"] > 10
