"""What Prometheus computes all the time: shares of late changes, the index's backlog, and the names others expect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from freshet import metrics
from grafana.generator.promql import late_share
from grafana.generator.windows import DAY, HOUR, MINUTE, Windows


@dataclass(frozen=True, slots=True)
class Recorded:
    """A name with colons is ours; one without is expected by dashboards that others have."""

    name: str
    meaning: str
    expression: Callable[[Windows], str]
    labels: dict[str, str] = field(default_factory=dict)


BURN_WINDOWS = {
    "5m": 5 * MINUTE, "30m": 30 * MINUTE, "1h": HOUR, "2h": 2 * HOUR, "6h": 6 * HOUR, "1d": DAY, "3d": 3 * DAY,
}  # fmt: skip


def late(window: str) -> str:
    """The recorded share of changes that took more than 100 ms."""
    return f"freshet:late:ratio_rate{window}"


def _late(window: str, seconds: int) -> Recorded:
    return Recorded(
        late(window),
        f"Share of the changes of {window} that took more than 100 ms.",
        lambda windows: late_share(metrics.FRESHNESS, windows.of(seconds)),
    )


LATE = tuple(_late(window, seconds) for window, seconds in BURN_WINDOWS.items())
_POINTS = metrics.STORE_POINTS.name
BACKLOG = Recorded(
    "freshet:index_backlog:points",
    "Vectors that no HNSW graph holds.",
    lambda _: f'max({_POINTS}{{kind="chunks"}}) - max({_POINTS}{{kind="indexed"}})',
)


def _durations() -> tuple[Recorded, ...]:
    """Of searches and of requests to the inference server, as one histogram."""
    found: list[Recorded] = []
    for service, histogram, where in (
        ("search", metrics.SEARCH_SECONDS, '{part="total"}'),
        ("inference", metrics.INFERENCE_SECONDS, ""),
    ):
        dropped = "part" if where else "lane"
        for part in ("bucket", "sum", "count"):
            found.append(
                Recorded(
                    f"request_duration_seconds_{part}",
                    f"Of answered requests, by service: {service}.",
                    _without(dropped, f"{histogram.name}_{part}{where}"),
                    {"service": service},
                )
            )
    return tuple(found)


def _without(label: str, series: str) -> Callable[[Windows], str]:
    return lambda _: f"sum without ({label}) ({series})"


EXPECTED = (
    *_durations(),
    Recorded(
        "embedding_failure_total",
        f"As `{metrics.EMBED_FAILURES.name}`.",
        lambda _: metrics.EMBED_FAILURES.name,
    ),
    Recorded(
        "vector_db_error_total",
        f"As `{metrics.STORE_ERRORS.name}`.",
        lambda _: metrics.STORE_ERRORS.name,
    ),
)
RECORDED = (*LATE, BACKLOG, *EXPECTED)
