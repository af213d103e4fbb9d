"""The typed settings of a secured broker, and what each client is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from flink_jobs.tables import source_table
from freshet.errors import UsageError
from freshet.kafka_security import java_security, librdkafka_security
from freshet.settings import KafkaSettings

FOLDER = Path("/etc/kafka")
MUTUAL = KafkaSettings(protocol="ssl", ca=FOLDER / "ca.crt", certificate=FOLDER / "user.crt", key=FOLDER / "user.key")


def scram(folder: Path, **more: Any) -> KafkaSettings:
    (folder / "password").write_text("it's secret\n")
    return KafkaSettings(protocol="sasl_ssl", username='a "b"', password_file=folder / "password", **more)


def test_a_plain_broker_needs_no_property() -> None:
    assert librdkafka_security(KafkaSettings()) == {}
    assert java_security(KafkaSettings()) == {}


def mutual(folder: Path) -> KafkaSettings:
    """With files that are there."""
    for name in ("ca.crt", "user.crt", "user.key"):
        (folder / name).touch()
    return KafkaSettings(protocol="ssl", ca=folder / "ca.crt", certificate=folder / "user.crt", key=folder / "user.key")


def test_librdkafka_is_given_the_files(tmp_path: Path) -> None:
    assert librdkafka_security(mutual(tmp_path)) == {
        "security.protocol": "ssl",
        "ssl.ca.location": f"{tmp_path}/ca.crt",
        "ssl.certificate.location": f"{tmp_path}/user.crt",
        "ssl.key.location": f"{tmp_path}/user.key",
    }


def test_java_is_given_references_that_it_reads_itself() -> None:
    assert java_security(MUTUAL, "shaded") == {
        "security.protocol": "SSL",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": "/etc/kafka/ca.crt",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.certificate.chain": "${files:/etc/kafka:user.crt}",
        "ssl.keystore.key": "${files:/etc/kafka:user.key}",
        "config.providers": "files",
        "config.providers.files.class": "shaded.common.config.provider.DirectoryConfigProvider",
    }


def test_a_password_reaches_librdkafka_and_stays_out_of_javas_properties(tmp_path: Path) -> None:
    settings = scram(tmp_path)
    assert librdkafka_security(settings)["sasl.password"] == "it's secret"
    login = java_security(settings)["sasl.jaas.config"]
    assert login == (
        "org.apache.kafka.common.security.scram.ScramLoginModule required "
        f'username="a \\"b\\"" password="${{files:{tmp_path}:password}}";'
    )


def test_plain_has_a_login_module_of_its_own(tmp_path: Path) -> None:
    properties = java_security(scram(tmp_path, mechanism="PLAIN"))
    assert "security.plain.PlainLoginModule required" in properties["sasl.jaas.config"]
    assert properties["sasl.mechanism"] == "PLAIN"


def test_librdkafka_knows_every_name_it_is_given(tmp_path: Path) -> None:
    AdminClient({"bootstrap.servers": "127.0.0.1:1", "log_level": 0, **librdkafka_security(scram(tmp_path))})


def test_what_is_further_said_wins_and_stays_with_its_client(tmp_path: Path) -> None:
    more = {"extra": {"ssl.ca.location": "/x"}, "java_extra": {"retries": "3"}}
    settings = mutual(tmp_path).model_copy(update=more)
    assert librdkafka_security(settings)["ssl.ca.location"] == "/x"
    assert "retries" not in librdkafka_security(settings)
    assert java_security(settings)["retries"] == "3"
    assert java_security(settings)["ssl.truststore.location"] == f"{tmp_path}/ca.crt"


def test_the_job_names_the_connectors_own_classes_and_escapes_quotes() -> None:
    statement = source_table(MUTUAL.model_copy(update={"java_extra": {"client.id": "it's"}}))
    assert (
        "'properties.config.providers.files.class' = "
        "'org.apache.flink.kafka.shaded.org.apache.kafka.common.config.provider.DirectoryConfigProvider'" in statement
    )
    assert "'properties.client.id' = 'it''s'" in statement


def test_a_password_that_cannot_be_read_names_the_setting(tmp_path: Path) -> None:
    settings = KafkaSettings(protocol="sasl_ssl", username="a", password_file=tmp_path / "none")
    with pytest.raises(UsageError, match="FRESHET_KAFKA_PASSWORD_FILE"):
        librdkafka_security(settings)


def test_a_certificate_that_cannot_be_read_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="FRESHET_KAFKA_CA"):
        librdkafka_security(KafkaSettings(protocol="ssl", ca=tmp_path / "none"))


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"ca": FOLDER}, "PROTOCOL=ssl"),
        ({"protocol": "ssl", "certificate": FOLDER}, "FRESHET_KAFKA_KEY"),
        ({"protocol": "sasl_ssl", "username": "a"}, "PASSWORD_FILE"),
        ({"protocol": "sasl_ssl"}, "FRESHET_KAFKA_USERNAME"),
        ({"protocol": "ssl", "username": "a", "password_file": FOLDER}, "PROTOCOL=sasl"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        KafkaSettings(**wrong)
