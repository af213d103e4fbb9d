"""Batch figures of consumers in other processes, from the metrics that they serve."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import httpx
from prometheus_client.parser import text_string_to_metric_families

from freshet.errors import UnavailableError
from freshet.metrics import BATCH_LIMIT, BATCH_P99, BATCH_SIZE, POLICY
from search.figures import BATCH_WINDOW_NS, BatchFigures

ANSWER_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Look:
    """At one moment; ``batches`` and ``records`` count since each consumer began."""

    at_ns: int
    batches: float
    records: float


class ConsumerMetrics:
    """For one thread. A host name that stands for several, as that of a headless service, is asked for each."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = urls
        self._http = httpx.Client(timeout=ANSWER_SECONDS, verify=any(url.startswith("https") for url in urls))
        self._looks: deque[_Look] = deque()

    def read(self, now_ns: int) -> BatchFigures:
        """The highest P99 and limit of all, and the mean batch. Blocks. Raises UnavailableError where none answers."""
        found = [self._ask(url) for url in _each(self._urls)]
        answered = [one for one in found if isinstance(one, Mapping)]
        if not answered:
            why = next((one for one in found if isinstance(one, str)), "their host name is not known")
            raise UnavailableError("No consumer tells of its batches", why, "check FRESHET_SEARCH_CONSUMERS")
        p99 = max(one.get(BATCH_P99.name, 0.0) for one in answered)
        limit = max(one.get(BATCH_LIMIT.name, 0.0) for one in answered)
        batches = sum(one.get(f"{BATCH_SIZE.name}_count", 0.0) for one in answered)
        records = sum(one.get(f"{BATCH_SIZE.name}_sum", 0.0) for one in answered)
        size = self._mean(_Look(now_ns, batches, records))
        policies = sorted({name.removeprefix(POLICY.name) for one in answered for name in one if POLICY.name in name})
        return BatchFigures(round(p99 * 1e3, 2) or None, size, int(limit) or None, ", ".join(policies) or None)

    def close(self) -> None:
        self._http.close()

    def _mean(self, look: _Look) -> float | None:
        """Records per batch over the window; None where there were no batches, or a consumer began anew."""
        self._looks.append(look)
        while self._looks[0].at_ns < look.at_ns - BATCH_WINDOW_NS:
            self._looks.popleft()
        batches, records = look.batches - self._looks[0].batches, look.records - self._looks[0].records
        return round(records / batches, 2) if batches > 0 and records > 0 else None

    def _ask(self, url: str) -> Mapping[str, float] | str:
        """Values by name (of the policy, with its label appended), or why there are none."""
        try:
            text = self._http.get(url).raise_for_status().text
            return {
                sample.name + sample.labels.get("policy", ""): sample.value
                for family in text_string_to_metric_families(text)
                if family.name in _WANTED
                for sample in family.samples
            }
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            return f"{url}: {error or type(error).__name__}"


_WANTED: Final = frozenset(metric.name for metric in (BATCH_P99, BATCH_LIMIT, BATCH_SIZE, POLICY))


def _each(urls: Sequence[str]) -> Iterator[str]:
    """One address for each machine behind a name. With TLS the name stays: its certificate is for that."""
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname is None:
            yield url
            continue
        try:
            found = socket.getaddrinfo(parts.hostname, parts.port or 80, type=socket.SOCK_STREAM)
        except OSError:
            continue
        for host in sorted({str(address[0]) for *_, address in found}):
            named = f"[{host}]" if ":" in host else host
            yield urlunsplit(parts._replace(netloc=f"{named}:{parts.port or 80}"))
