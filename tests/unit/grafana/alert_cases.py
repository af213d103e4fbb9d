"""When each alert fires and when it does not: series in promtool's notation, one sample each half minute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Series = Mapping[str, str]
"""Samples by series: ``0+5x20`` is 0, 5, 10, … with 20 steps."""


@dataclass(frozen=True, slots=True)
class Case:
    """At ``at`` minutes the alert fires once on ``wrong``, with these labels, and not on ``well``."""

    alert: str
    wrong: Series
    well: Series
    at: int = 10
    labels: Mapping[str, str] = field(default_factory=dict)
    value: str = ""
    """As the summary shows it."""


def _fresh(good: str, all_of_them: str) -> dict[str, str]:
    return {
        'freshet_freshness_seconds_bucket{le="0.1"}': good,
        'freshet_freshness_seconds_bucket{le="+Inf"}': all_of_them,
        "freshet_freshness_seconds_count": all_of_them,
    }


CASES = (
    Case("FreshnessBudgetBurnsFast", _fresh("0+8x200", "0+10x200"), _fresh("0+995x200", "0+1000x200"), 90),
    # Few changes: one late one among them is a large share, and no reason to call anybody.
    Case("FreshnessBudgetBurnsFast", _fresh("0+8x200", "0+10x200"), _fresh("0 0 0+0x200", "0 1 1+0x200"), 90),
    Case("FreshnessBudgetBurnsSlowly", _fresh("0+94x500", "0+100x500"), _fresh("0+999x500", "0+1000x500"), 200),
    Case(
        "LagGrows",
        {'freshet_group_lag_seconds{group="freshet-consumer"}': "0+30x20"},
        # Working off a pile: old, and younger at each look.
        {'freshet_group_lag_seconds{group="freshet-consumer"}': "600-20x20"},
        labels={"group": "freshet-consumer"},
    ),
    Case(
        "NoCanary",
        {"freshet_canary_last_success_timestamp_seconds": "120+0x20"},
        {"freshet_canary_last_success_timestamp_seconds": "0+30x20"},
    ),
    Case(
        "NoCanary",
        {"freshet_search_waiting": "0+0x20"},
        {"freshet_canary_last_success_timestamp_seconds": "0+30x20"},
        labels={},
    ),
    Case(
        "CanaryLost",
        {"freshet_canary_lost_total": "0 0 1 2 3 3+0x20"},
        {"freshet_canary_lost_total": "3+0x20"},
        at=5,
    ),
    Case(
        "DeadLettersRise",
        {
            'freshet_dead_letters_total{stage="consumer", reason="bad-vector"}': "0+5x20",
            'freshet_job_records_total{outcome="upsert"}': "0+100x20",
        },
        {
            'freshet_dead_letters_total{stage="consumer", reason="bad-vector"}': "0+1x20",
            'freshet_job_records_total{outcome="upsert"}': "0+1000x20",
        },
    ),
    Case(
        "DeadLettersRise",
        {
            'freshet_dead_letters_total{stage="flink-job", reason="not-json"}': "0+5x20",
            'freshet_job_records_total{outcome="dead"}': "0+5x20",
        },
        {
            'freshet_dead_letters_total{stage="flink-job", reason="not-json"}': "0 0 0 1+0x20",
            'freshet_dead_letters_total{stage="files", reason="too-large"}': "0+5x20",
            'freshet_job_records_total{outcome="dead"}': "0 0 0 1+0x20",
        },
    ),
    Case(
        "DeadLettersWait",
        {"freshet_dead_letters_waiting": "7+0x200"},
        {"freshet_dead_letters_waiting": "7+0x100 0+0x100"},
        at=70,
        value="7",
    ),
    Case(
        "CaptureStopped",
        {
            'freshet_cdc_connector_running{capture="shop"}': "1 1 0+0x20",
            'freshet_cdc_slot_lost{capture="shop"}': "0+0x20",
        },
        {
            'freshet_cdc_connector_running{capture="shop"}': "1+0x20",
            'freshet_cdc_slot_lost{capture="shop"}': "0+0x20",
        },
        labels={"capture": "shop"},
    ),
    Case(
        "CaptureStopped",
        {
            'freshet_cdc_connector_running{capture="shop"}': "1+0x20",
            'freshet_cdc_slot_lost{capture="shop"}': "0 0 1+0x20",
        },
        {
            'freshet_cdc_connector_running{capture="shop"}': "1 0 1+0x20",
            'freshet_cdc_slot_lost{capture="shop"}': "0+0x20",
        },
        labels={"capture": "shop"},
    ),
    Case("ModelDrifted", {"freshet_inference_drifted": "1+0x20"}, {"freshet_inference_drifted": "0+0x20"}),
    Case(
        "ModelRevisionsDiffer",
        {'freshet_build_info{revision="a"}': "1+0x40", 'freshet_build_info{revision="b"}': "1+0x40"},
        {
            'freshet_build_info{revision="a", component="job"}': "1+0x40",
            'freshet_build_info{revision="a", component="serve"}': "1+0x40",
        },
        at=15,
        value="2",
    ),
    Case(
        "EmbeddingsFail",
        {"freshet_embedding_failures_total": "0+1x20"},
        {"freshet_embedding_failures_total": "4+0x20"},
    ),
    Case("StoreErrors", {"freshet_store_errors_total": "0+3x20"}, {"freshet_store_errors_total": "0x15 4+0x20"}),
    Case(
        "IndexBacklog",
        {
            'freshet_store_points{kind="chunks"}': "200000+0x100",
            'freshet_store_points{kind="indexed"}': "100000+0x100",
        },
        {
            'freshet_store_points{kind="chunks"}': "60000+0x100",
            'freshet_store_points{kind="indexed"}': "20000+0x100",
        },
        at=40,
        value="100000",
    ),
    Case(
        "SearchesFail",
        {
            'freshet_search_requests_total{status="503"}': "0+5x20",
            'freshet_search_requests_total{status="200"}': "0+100x20",
        },
        {
            'freshet_search_requests_total{status="400"}': "0+50x20",
            'freshet_search_requests_total{status="200"}': "0+100x20",
        },
    ),
    Case(
        "SearchesFail",
        {'freshet_search_requests_total{status="500"}': "0+1x20"},
        {'freshet_search_requests_total{status="500"}': "0x15 1+0x20"},
    ),
    Case(
        "ProcessDown",
        {'up{job="freshet", component="serve", instance="a"}': "1 1 0+0x20"},
        {'up{job="freshet", component="serve", instance="a"}': "1 1 0 1+0x20", 'up{job="other"}': "0+0x20"},
        labels={"job": "freshet", "component": "serve", "instance": "a"},
    ),
    Case(
        "ProcessDown",
        {'freshet_process_up{process="kafka"}': "1 1 0+0x20"},
        {'freshet_process_up{process="kafka"}': "1+0x20"},
        labels={"process": "kafka"},
    ),
    Case(
        "ProcessRestarts",
        {'process_start_time_seconds{job="freshet", component="serve"}': "0 60 120 180 180+0x20"},
        {'process_start_time_seconds{job="freshet", component="serve"}': "0 60 60+0x20"},
        at=8,
        labels={"job": "freshet", "component": "serve"},
    ),
    Case(
        "JobNotRunning", {"flink_jobmanager_numRunningJobs": "1 0+0x20"}, {"flink_jobmanager_numRunningJobs": "1+0x20"}
    ),
    Case(
        "CheckpointsFail",
        {"flink_jobmanager_job_lastCheckpointCompletedTimestamp": "60000+0x20"},
        {"flink_jobmanager_job_lastCheckpointCompletedTimestamp": "0+30000x20"},
    ),
    Case(
        "MonitorBlind",
        {"freshet_group_lag_records": "0+0x20", "freshet_monitor_errors_total": "0+1x20"},
        {"freshet_group_lag_records": "0+0x20", "freshet_monitor_errors_total": "9+0x20"},
    ),
    Case("MonitorBlind", {"freshet_search_waiting": "0+0x20"}, {"freshet_group_lag_records": "0+0x20"}),
)
