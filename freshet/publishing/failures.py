"""librdkafka's errors as Freshet's: what the caller does next decides the type."""

from __future__ import annotations

from confluent_kafka import KafkaError

from freshet.errors import FreshetError, RejectedRecord, UnavailableError, UsageError

_TOO_LARGE = {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE}
_NO_TOPIC = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION}
_NOT_ALLOWED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError._AUTHENTICATION,
    KafkaError.TOPIC_EXCEPTION,
}


def failure(error: KafkaError, *, topic: str, bootstrap: str, last_seen: str = "") -> FreshetError:
    """The error to raise for one record that was not delivered. ``last_seen`` is what the connection last reported."""
    code = error.code()
    if code in _TOO_LARGE:
        return RejectedRecord(
            "record-too-large", f"the broker at {bootstrap} refuses a record of this size: {error.str()}"
        )
    if code in _NO_TOPIC:
        return UsageError(
            f"topic {topic!r} does not exist at {bootstrap}",
            error.str(),
            "create it (the local stack does so at start) or point FRESHET_KAFKA_BOOTSTRAP at the right broker",
        )
    if code in _NOT_ALLOWED:
        return UsageError(
            f"Kafka at {bootstrap} does not let this program write to {topic!r}",
            error.str(),
            "check FRESHET_KAFKA_USERNAME, …_PASSWORD_FILE or …_CERTIFICATE, and the topic's ACL",
        )
    return UnavailableError(
        f"Kafka at {bootstrap} did not acknowledge a record for {topic!r}",
        f"{error.str()}; {last_seen}" if last_seen else error.str(),
        "start the broker or set FRESHET_KAFKA_BOOTSTRAP",
    )
