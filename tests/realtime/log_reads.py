"""How often this process has read the log, by the reasons that are told."""

from collections import Counter

from prometheus_client import REGISTRY

from app.core import metrics

REASONS = ("activate", "recover", "refill", "repair")


def log_reads() -> Counter[str]:
    """So far; the difference of two such counts holds what has moved."""
    metrics.settle()
    name = "tandem_log_reads_total"
    return Counter(
        {
            reason: int(REGISTRY.get_sample_value(name, {"reason": reason}) or 0)
            for reason in REASONS
        }
    )
