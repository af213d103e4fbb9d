"""Every alert. Each has its page under docs/runbooks/ and its case in tests/unit/grafana/alerts.test.yaml."""

from __future__ import annotations

from freshet import foreign_metrics as foreign
from freshet import metrics
from grafana.generator.alert import Alert
from grafana.generator.promql import highest, rate
from grafana.generator.recorded import BACKLOG, BURN_WINDOWS, late
from grafana.generator.windows import HOUR, MINUTE, Windows

BUDGET = 0.01
"""Of changes that may take more than 100 ms."""
FEW = 100
"""Changes in the longer window, below which a share says nothing."""
SOME = 5
"""Failures, below which nobody is called: what is tried again may fail once."""
MUCH_BACKLOG = 50_000


def _burn(windows: Windows, factor: float, long: str, short: str) -> str:
    seen = f"sum(increase({metrics.FRESHNESS.name}_count[{windows.of(BURN_WINDOWS[long])}])) > {FEW}"
    bound = f"{factor * BUDGET:g}"
    return f"({late(long)} > {bound} and {late(short)} > {bound} and {seen})"


def _growth(metric: metrics.Metric, windows: Windows, seconds: float, *by: str) -> str:
    labels = f"sum by ({', '.join(by)})" if by else "sum"
    return f"{labels} (increase({metric.name}[{windows.of(seconds)}]))"


def _dead_share(windows: Windows) -> str:
    window = windows.of(5 * MINUTE)
    # A file that is refused never was a record; and one letter in a quiet hour is a large share of nothing.
    dead = rate(metrics.DEAD, where='stage!="files"', window=window)
    some = f'sum(increase({metrics.DEAD.name}{{stage!="files"}}[{window}])) > {SOME}'
    return f"{dead} / {rate(metrics.JOB_RECORDS, window=window)} > 0.01 and {some}"


def _failed_searches(windows: Windows) -> str:
    window = windows.of(5 * MINUTE)
    where = 'status=~"5.."'
    failed = rate(metrics.SEARCH_REQUESTS, where=where, window=window)
    some = f"sum(increase({metrics.SEARCH_REQUESTS.name}{{{where}}}[{window}])) > {SOME}"
    return f"{failed} / {rate(metrics.SEARCH_REQUESTS, window=window)} > 0.01 and {some}"


def _since_canary(_: Windows) -> str:
    return f"time() - {highest(metrics.CANARY_SUCCESS)}"


def _since_checkpoint(_: Windows) -> str:
    return f"time() - {highest(foreign.CHECKPOINT_AT)} / 1000"


def _lag(windows: Windows) -> str:
    lag = metrics.GROUP_LAG_SECONDS.name
    # Who works off a pile has an oldest record that gets younger.
    growing = f"max by (group) (deriv({lag}[{windows.of(2 * MINUTE)}])) > 0"
    return f"max by (group) ({lag}) > {windows.age(10)} and {growing}"


FRESHNESS = (
    Alert(
        "FreshnessBudgetBurnsFast",
        "page",
        "So many changes take more than 100 ms that the month's budget is gone within days",
        "Searches return old content for longer than promised, now.",
        lambda w: f"{_burn(w, 14.4, '1h', '5m')} or {_burn(w, 6, '6h', '30m')}",
        lambda w: late("5m"),
        2 * MINUTE,
    ),
    Alert(
        "FreshnessBudgetBurnsSlowly",
        "ticket",
        "More changes take over 100 ms than the budget allows",
        "The promise of 99 % within 100 ms will not hold over the month.",
        lambda w: f"{_burn(w, 3, '1d', '2h')} or {_burn(w, 1, '3d', '6h')}",
        lambda w: late("2h"),
        15 * MINUTE,
    ),
    Alert(
        "LagGrows",
        "page",
        "{{ $labels.group }} is behind, and falls further behind",
        "Changes are not searchable until it has caught up; nothing is lost while the topic keeps its records.",
        _lag,
        lambda w: highest(metrics.GROUP_LAG_SECONDS, "group"),
        MINUTE,
    ),
    Alert(
        "NoCanary",
        "page",
        "No search has found a canary document for a minute",
        "What is published now may not be found; or nobody watches whether it is.",
        lambda w: f"{_since_canary(w)} > {w.age(60)} or absent({metrics.CANARY_SUCCESS.name})",
        _since_canary,
        MINUTE,
    ),
    Alert(
        "CanaryLost",
        "page",
        "Canary documents were published and not found in time",
        "Some changes may be missing from searches.",
        lambda w: f"{_growth(metrics.CANARY_LOST, w, 10 * MINUTE)} > 1",
        lambda w: _growth(metrics.CANARY_LOST, w, 10 * MINUTE),
    ),
)
RECORDS = (
    Alert(
        "DeadLettersRise",
        "page",
        "More than 1 % of the records go to dead letters",
        "These changes are not searchable until their cause is mended and they are redriven.",
        _dead_share,
        lambda w: rate(metrics.JOB_RECORDS, window=w.of(5 * MINUTE)),
        2 * MINUTE,
    ),
    Alert(
        "DeadLettersWait",
        "ticket",
        "{{ $value }} dead letters wait for somebody",
        "These changes are not searchable; after 30 days the topic forgets them.",
        lambda w: f"{highest(metrics.DEAD_WAITING)} > 0",
        lambda w: highest(metrics.DEAD_WAITING),
        HOUR,
    ),
)
CAPTURE = (
    Alert(
        "CaptureStopped",
        "page",
        "The change capture {{ $labels.capture }} stands still, or has lost its slot",
        "Changes of its tables do not become searchable; of a lost slot, those in the gap never do without a repair.",
        lambda w: (
            f"{highest(metrics.CDC_CONNECTOR_RUNNING, 'capture')} == 0"
            f" or {highest(metrics.CDC_SLOT_LOST, 'capture')} > 0"
        ),
        lambda w: highest(metrics.CDC_CONNECTOR_RUNNING, "capture"),
        MINUTE,
    ),
)
MODEL = (
    Alert(
        "ModelDrifted",
        "page",
        "The model's vectors are no longer what they were",
        "The inference server takes itself out of service: without it, nothing that needs it is embedded.",
        lambda w: f"{highest(metrics.INFERENCE_DRIFTED)} > 0",
        lambda w: highest(metrics.INFERENCE_DRIFTED),
        MINUTE,
    ),
    Alert(
        "ModelRevisionsDiffer",
        "ticket",
        "Processes run with {{ $value }} revisions of the model",
        "What one revision embeds, a collection of another refuses: it goes to dead letters.",
        lambda w: f"count(count by (revision) ({metrics.BUILD.name})) > 1",
        lambda w: f"count(count by (revision) ({metrics.BUILD.name}))",
        10 * MINUTE,
    ),
    Alert(
        "EmbeddingsFail",
        "page",
        "The model could not compute vectors",
        "The job fails and starts again, or requests for vectors are refused: changes wait.",
        lambda w: f"{_growth(metrics.EMBED_FAILURES, w, 5 * MINUTE)} > 0",
        lambda w: _growth(metrics.EMBED_FAILURES, w, 5 * MINUTE),
        MINUTE,
    ),
)
STORE = (
    Alert(
        "StoreErrors",
        "page",
        "The store refuses writes or does not answer",
        "The consumer tries again and again and goes no further: changes wait. Searches may fail too.",
        lambda w: f"{_growth(metrics.STORE_ERRORS, w, 2 * MINUTE)} > {SOME}",
        lambda w: rate(metrics.STORE_ERRORS, window=w.of(2 * MINUTE)),
        MINUTE,
    ),
    Alert(
        "IndexBacklog",
        "ticket",
        "{{ $value }} vectors are in no index, and it does not get better",
        "Each of them is compared with each query: searches get slower.",
        lambda w: (
            f"{BACKLOG.name} > {w.amount(MUCH_BACKLOG)} and {BACKLOG.name} > 0.2 * "
            + highest(metrics.STORE_POINTS, where='kind="chunks"')
        ),
        lambda w: BACKLOG.name,
        30 * MINUTE,
    ),
    Alert(
        "SearchesFail",
        "page",
        "More than 1 % of the searches end in a server's error",
        "Users get no answer.",
        _failed_searches,
        lambda w: rate(metrics.SEARCH_REQUESTS, window=w.of(5 * MINUTE)),
        2 * MINUTE,
    ),
)
PROCESSES = (
    Alert(
        "ProcessDown",
        "page",
        "{{ $labels.component }} {{ $labels.process }} is down",
        "What it does is not done: see which it is.",
        lambda w: f'{foreign.UP.name}{{job="freshet"}} == 0 or {metrics.PROCESS_UP.name} == 0',
        lambda w: f'{foreign.UP.name}{{job="freshet"}}',
        30,
    ),
    Alert(
        "ProcessRestarts",
        "ticket",
        "{{ $labels.component }} {{ $labels.process }} was started again more than twice in ten minutes",
        "Changes are late at each start; records are read twice, which changes nothing.",
        lambda w: (
            f'changes({foreign.CLIENT_START.name}{{job="freshet"}}[{w.of(10 * MINUTE)}]) > 2'
            f" or changes({metrics.PROCESS_START.name}[{w.of(10 * MINUTE)}]) > 2"
        ),
        lambda w: f"changes({metrics.PROCESS_START.name}[{w.of(10 * MINUTE)}])",
    ),
    Alert(
        "JobNotRunning",
        "page",
        "Flink runs no job",
        "Nothing that is published becomes searchable; nothing is lost, it is read once the job runs.",
        lambda w: f"sum({foreign.RUNNING_JOBS.name}) == 0",
        lambda w: f"sum({foreign.RUNNING_JOBS.name})",
        MINUTE,
    ),
    Alert(
        "CheckpointsFail",
        "page",
        "No checkpoint of the job has completed for a minute and a half",
        "Changes still flow. A restart of the job reads all since the last checkpoint again.",
        lambda w: f"{_since_checkpoint(w)} > {w.age(90)} and {highest(foreign.CHECKPOINT_AT)} > 0",
        _since_checkpoint,
        MINUTE,
    ),
    Alert(
        "MonitorBlind",
        "ticket",
        "The monitor cannot look, or is not there",
        "Lag and waiting dead letters are not known: their alerts are silent.",
        lambda w: f"{_growth(metrics.MONITOR_ERRORS, w, 5 * MINUTE)} > 3 or absent({metrics.GROUP_LAG_RECORDS.name})",
        lambda w: _growth(metrics.MONITOR_ERRORS, w, 5 * MINUTE),
        2 * MINUTE,
    ),
)
GROUPS = {
    "freshness": FRESHNESS, "records": RECORDS, "capture": CAPTURE, "model": MODEL, "store": STORE,
    "processes": PROCESSES,
}  # fmt: skip
ALERTS = tuple(alert for group in GROUPS.values() for alert in group)
