"""The whole command against a server of its own."""

import json
import subprocess
import sys
from pathlib import Path

from load.fleet import ROOT

SECONDS = 110


def test_a_short_run_is_clean_and_says_what_it_measured(tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    flags = ("--connections", "10", "--rate", "20", "--duration", "2", "--json", str(file))
    done = subprocess.run(
        [sys.executable, "-m", "load", "fanout", *flags],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "clean" in done.stdout
    (result,) = json.loads(file.read_text())["results"]
    assert (result["peer"], result["scenario"]) == ("tandem", "fanout")
    assert (result["connections"], result["rate"]) == (10, 20.0)
    assert (result["lost"], result["duplicated"], result["out_of_order"]) == (0, 0, 0)
    assert 100 < result["deliveries_per_s"] < 300
    assert 0 < result["p50_ms"] <= result["p90_ms"] <= result["p99_ms"] <= result["max_ms"]
    assert result["server_cpu"] > 0
    assert result["server_rss_mb"] > 10
