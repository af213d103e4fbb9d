"""How much work the model did, from the job's own metrics."""

from __future__ import annotations

import httpx
from prometheus_client.parser import text_string_to_metric_families

from freshet.metrics import EMBEDDED


def embedded_by_model(metrics_url: str) -> int:
    """Chunks that the job has sent through the model since its process started."""
    text = httpx.get(metrics_url, timeout=10).text
    return int(
        sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == EMBEDDED.name and sample.labels["origin"] == "model"
        )
    )
