"""How a client proves who it is and checks who answers, in the words of librdkafka and of Kafka's Java client.

Both take PEM files, but name them differently, and Java wants the content of some where librdkafka wants a path. Java
is given references that it resolves itself (a config provider), so that no secret becomes part of a Flink job.
"""

from __future__ import annotations

from pathlib import Path

from freshet.errors import UsageError
from freshet.settings import KafkaSettings

JAVA_PACKAGE = "org.apache.kafka"
"""Of the client's classes; a jar that shades them has another."""
_PROVIDER = "files"


def librdkafka_security(kafka: KafkaSettings) -> dict[str, str]:
    """On top of ``bootstrap.servers``; ``kafka.extra`` wins. Raises UsageError for a file that cannot be read."""
    properties: dict[str, str] = {}
    if kafka.protocol != "plaintext":
        properties["security.protocol"] = kafka.protocol
    for name, path in (("ca", kafka.ca), ("certificate", kafka.certificate), ("key", kafka.key)):
        if path is not None:
            _readable(path, name)
            properties[f"ssl.{name}.location"] = str(path)
    if kafka.username is not None and kafka.password_file is not None:
        properties["sasl.mechanism"] = kafka.mechanism
        properties["sasl.username"] = kafka.username
        properties["sasl.password"] = _password(kafka.password_file)
    return {**properties, **kafka.extra}


def java_security(kafka: KafkaSettings, package: str = JAVA_PACKAGE) -> dict[str, str]:
    """The same for a Java client whose classes lie in ``package``; ``kafka.java_extra`` wins.

    The files are read where the client runs, and again whenever it is made anew.
    """
    properties: dict[str, str] = {}
    if kafka.protocol != "plaintext":
        properties["security.protocol"] = kafka.protocol.upper()
    if kafka.ca is not None:
        properties["ssl.truststore.type"] = "PEM"
        properties["ssl.truststore.location"] = str(kafka.ca)
    if kafka.certificate is not None and kafka.key is not None:
        properties["ssl.keystore.type"] = "PEM"
        properties["ssl.keystore.certificate.chain"] = _content(kafka.certificate)
        properties["ssl.keystore.key"] = _content(kafka.key)
    if kafka.username is not None and kafka.password_file is not None:
        plain = kafka.mechanism == "PLAIN"
        module = f"{package}.common.security.{'plain.PlainLoginModule' if plain else 'scram.ScramLoginModule'}"
        login = f'username="{_quoted(kafka.username)}" password="{_content(kafka.password_file)}"'
        properties["sasl.mechanism"] = kafka.mechanism
        properties["sasl.jaas.config"] = f"{module} required {login};"
    if any("${" in value for value in properties.values()):
        properties["config.providers"] = _PROVIDER
        properties[f"config.providers.{_PROVIDER}.class"] = f"{package}.common.config.provider.DirectoryConfigProvider"
    return {**properties, **kafka.java_extra}


def _content(path: Path) -> str:
    return f"${{{_PROVIDER}:{path.parent}:{path.name}}}"


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _readable(path: Path, name: str) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise UsageError(
            "a file with which to talk to Kafka cannot be read", str(error), f"check FRESHET_KAFKA_{name.upper()}"
        ) from error


def _password(path: Path) -> str:
    try:
        return path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "the password for Kafka cannot be read", str(error), "check FRESHET_KAFKA_PASSWORD_FILE"
        ) from error
