"""One publisher for the whole process, opened at the first call with settings from the environment."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Iterable
from datetime import datetime

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from freshet.events import Metadata
from freshet.process_settings import ProcessSettings
from freshet.publishing.publisher import Publisher, Receipt
from freshet.settings import KafkaSettings, Profile


class PublishSettings(ProcessSettings):
    """How ``freshet.publish`` sends; where the broker is, ``KafkaSettings`` says."""

    model_config = SettingsConfigDict(env_prefix="FRESHET_PUBLISH_")

    profile: Profile = "low-latency"
    timeout_s: float = Field(30.0, gt=0, description="after this long without a delivery report: UnavailableError")


def publish(
    id: str,
    text: str | Iterable[str],
    *,
    version: int | None = None,
    metadata: Metadata | None = None,
    tenant: str = "",
    source: str = "",
    occurred_at: datetime | None = None,
    traceparent: str | None = None,
) -> Receipt:
    """Make ``text`` the content of document ``id``; blocks until the broker has it.

    ``version`` has to grow with each change of the id. Left out it is the time of this call in ns: the calling program
    is then the source, so let one process (or several with one clock) write an id, and give the version where a
    database or a file has one. Raises RejectedRecord (an argument breaks the contract), UsageError (no such topic, no
    permission), UnavailableError (no report from the broker within ``FRESHET_PUBLISH_TIMEOUT_S``, 30 s).
    """
    return (
        _publisher()
        .publish(
            id,
            text,
            version=time.time_ns() if version is None else version,
            metadata=metadata,
            tenant=tenant,
            source=source,
            occurred_at=occurred_at,
            traceparent=traceparent,
        )
        .result()
    )


def delete(id: str, *, version: int | None = None, tenant: str = "", source: str = "") -> Receipt:
    """Remove document ``id`` from the index; blocks until the broker has it. Version and errors as in ``publish``."""
    version = time.time_ns() if version is None else version
    return _publisher().delete(id, version, tenant=tenant, source=source).result()


_lock = threading.Lock()
_opened: tuple[int, Publisher] | None = None


def _publisher() -> Publisher:
    global _opened
    with _lock:
        # librdkafka does not survive a fork: a child opens its own
        if _opened is None or _opened[0] != os.getpid():
            settings = PublishSettings()
            publisher = Publisher(KafkaSettings(), settings.profile, timeout_s=settings.timeout_s)
            atexit.register(_close, os.getpid(), publisher)
            _opened = os.getpid(), publisher
        return _opened[1]


def _close(pid: int, publisher: Publisher) -> None:
    if pid == os.getpid():
        publisher.close()
