"""A broker that lets in who shows a certificate, and to what the manifests' users may do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import trustme
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from freshet.settings import KafkaSettings
from freshet.stack.kafka import KafkaBroker
from freshet.stack.process import free_port
from tests.manifests.overlays import Object

_PATTERNS = {"literal": ResourcePatternType.LITERAL, "prefix": ResourcePatternType.PREFIXED}


class SecuredBroker(KafkaBroker):
    """The plain listener is for the test alone; ``secured`` is the manifests' listener ``tls``."""

    def __init__(self, folder: Path, jars: Sequence[Path], log: Path) -> None:
        super().__init__(folder, jars, log, port=free_port())
        self.secured = f"localhost:{free_port()}"
        self._authority = trustme.CA()
        self._certificates = folder.parent / "certificates"

    def prepare(self) -> None:
        super().prepare()
        own = self._authority.issue_cert("localhost")
        self._write(self._certificates / "broker", own)
        chain = self._certificates / "broker" / "broker.pem"
        chain.write_bytes(
            (self._certificates / "broker" / "user.key").read_bytes()
            + b"".join(one.bytes() for one in own.cert_chain_pems)
        )
        port = self.secured.split(":")[1]
        further = {
            "listeners": f"{self._value('listeners')},TLS://127.0.0.1:{port}",
            "advertised.listeners": f"{self._value('advertised.listeners')},TLS://{self.secured}",
            "listener.security.protocol.map": f"{self._value('listener.security.protocol.map')},TLS:SSL",
            "listener.name.tls.ssl.keystore.type": "PEM",
            "listener.name.tls.ssl.keystore.location": str(chain),
            "listener.name.tls.ssl.truststore.type": "PEM",
            "listener.name.tls.ssl.truststore.location": str(self._certificates / "broker" / "ca.crt"),
            "listener.name.tls.ssl.client.auth": "required",
            # A user is its certificate's common name, as with Strimzi.
            "listener.name.tls.ssl.principal.mapping.rules": r"RULE:^.*(CN=[^,]+).*$/$1/,DEFAULT",
            "ssl.principal.mapping.rules": r"RULE:^.*(CN=[^,]+).*$/$1/,DEFAULT",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }
        with self._properties.open("a") as file:
            file.writelines(f"{name}={value}\n".replace("\\", "\\\\") for name, value in further.items())

    def certificates(self, user: str) -> Path:
        """A folder with what Strimzi would put into the user's secret and its own, as the manifests mount it."""
        folder = self._certificates / user
        self._write(folder, self._authority.issue_cert(f"{user}.users.test", common_name=user))
        return folder

    def client(self, user: str) -> KafkaSettings:
        folder = self.certificates(user)
        return KafkaSettings(
            bootstrap=self.secured,
            protocol="ssl",
            ca=folder / "ca.crt",
            certificate=folder / "user.crt",
            key=folder / "user.key",
        )

    def apply(self, topics: Sequence[Object], users: Sequence[Object]) -> None:
        """Make what the operators would make of KafkaTopics and KafkaUsers. Blocks until the broker has it."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        made = [
            NewTopic(
                one["metadata"]["name"],
                num_partitions=one["spec"]["partitions"],
                replication_factor=1,
                config={name: str(value) for name, value in one["spec"]["config"].items() if "insync" not in name},
            )
            for one in topics
        ]
        for created in admin.create_topics(made).values():
            created.result(30)
        for allowed in admin.create_acls([acl for user in users for acl in _acls(user)]).values():
            allowed.result(30)

    def _value(self, name: str) -> str:
        lines = self._properties.read_text().splitlines()
        return next(line.split("=", 1)[1] for line in lines if line.startswith(f"{name}="))

    def _write(self, folder: Path, certificate: trustme.LeafCert) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._authority.cert_pem.write_to_path(folder / "ca.crt")
        (folder / "user.crt").write_bytes(b"".join(one.bytes() for one in certificate.cert_chain_pems))
        key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
        (folder / "user.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _acls(user: Object) -> list[AclBinding]:
    return [
        AclBinding(
            ResourceType[acl["resource"]["type"].upper()],
            acl["resource"]["name"],
            _PATTERNS[acl["resource"]["patternType"]],
            f"User:CN={user['metadata']['name']}",
            acl.get("host", "*"),
            getattr(AclOperation, re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).upper()),
            AclPermissionType.ALLOW,
        )
        for acl in user["spec"]["authorization"]["acls"]
        for operation in acl["operations"]
    ]
