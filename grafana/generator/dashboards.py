"""All dashboards, and their JSON."""

from __future__ import annotations

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.generator.freshness import FRESHNESS
from grafana.generator.kafka_flink import KAFKA_FLINK
from grafana.generator.models import MODELS
from grafana.generator.panel import Dashboard
from grafana.generator.pipeline import PIPELINE
from grafana.generator.store import STORE

DASHBOARDS: tuple[Dashboard, ...] = (FRESHNESS, PIPELINE, MODELS, STORE, KAFKA_FLINK)


def dashboard_files() -> dict[str, str]:
    """Contents by file name, for grafana/dashboards/."""
    return {f"{one.name}.json": _json(one) for one in DASHBOARDS}


def _json(dashboard: Dashboard) -> str:
    encoder = JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False)
    return f"{encoder.encode(dashboard.build())}\n"
