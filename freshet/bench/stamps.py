"""The hops of each event, read back from the stamps that it carried."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import httpx
import numpy as np
from numpy.typing import NDArray

from freshet.bench.load import Plan

HOPS = {
    "due → published": "source_to_published",
    "published → embedded": "published_to_embedded",
    "embedded → upserted": "embedded_to_upserted",
    "due → upserted": "total",
}
"""What the report calls a hop, and its name in the API's ``hops_ms``."""


def hops(url: str, plan: Plan, numbers: Iterable[int]) -> Mapping[str, NDArray[np.float64]]:
    """Milliseconds per hop of these events. Blocks for one request each. Raises KeyError if one is not there."""
    rows: list[list[float]] = []
    with httpx.Client(base_url=url, timeout=10) as client:
        for number in numbers:
            stamps = client.get(f"/documents/{plan.id(number)}").raise_for_status().json()["hops_ms"]
            rows.append([stamps[name] for name in HOPS.values()])
    table = np.array(rows)
    return {label: table[:, column] for column, label in enumerate(HOPS)}
