"""What the two producer profiles mean to librdkafka."""

from __future__ import annotations

from typing import Any, Final

from freshet.kafka_security import librdkafka_security
from freshet.settings import KafkaSettings, Profile
from freshet.topics import MAX_RECORD_BYTES

BUFFER_KBYTES: Final = 65_536

_COMMON: dict[str, Any] = {
    "linger.ms": 0,
    # librdkafka's own default hashes keys otherwise than Java, and one key would live in two partitions
    "partitioner": "murmur2_random",
    "queue.buffering.max.kbytes": BUFFER_KBYTES,
    "message.max.bytes": MAX_RECORD_BYTES,
    "socket.nagle.disable": True,
    # a connection that a firewall has forgotten is replaced after this, and not after a minute
    "socket.timeout.ms": 10_000,
    "reconnect.backoff.max.ms": 1000,
    # how long a topic may be missing before a record for it fails; the default is 30 s
    "topic.metadata.propagation.max.ms": 5000,
}
_PROFILES: dict[Profile, dict[str, Any]] = {
    "low-latency": {"acks": "1", "compression.type": "none"},
    "durable": {"acks": "all", "enable.idempotence": True},
}


def producer_properties(settings: KafkaSettings, profile: Profile, timeout_s: float) -> dict[str, Any]:
    """librdkafka's configuration. ``settings.extra`` wins over the profile; ``timeout_s`` bounds each delivery."""
    return {
        **_COMMON,
        **_PROFILES[profile],
        "bootstrap.servers": settings.bootstrap,
        "message.timeout.ms": max(1, int(timeout_s * 1000)),
        **librdkafka_security(settings),
    }
