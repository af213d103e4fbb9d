"""Addresses: read once, refused without showing what may be a password, told to Debezium as to our own connection."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from freshet.errors import UsageError
from producers.cdc.asked import asked_capture
from producers.cdc.capture import Capture, parse_capture, read_capture
from producers.cdc.connector import connector_config
from producers.cdc.password import with_password
from producers.cdc.settings import CdcSettings
from producers.cdc.startup import start
from producers.cdc.tls import ssl_context

SECRET = "Geheim7"
WRONG = {
    "hash": f"postgresql://app:{SECRET}#x@db/shop",
    "slash": f"postgresql://app:12/{SECRET}@db/shop",
    "question mark": f"postgresql://app:12?{SECRET}@db/shop",
    "slash before letters": f"postgresql://app:{SECRET}/34@db/shop",
    "brackets": f"postgresql://app:[{SECRET}]@db/shop",
    "one bracket": f"postgresql://app:[{SECRET}@db/shop",
    "in the query": f"postgresql://app@db/shop?password={SECRET}",
    "a key's": f"postgresql://app@db/shop?sslpassword={SECRET}",
    "port": f"postgresql://app:{SECRET}@db:abc/shop",
    "large port": f"postgresql://app:{SECRET}@db:99999/shop",
    "no database": f"postgresql://app:{SECRET}@db",
    "two servers": f"postgresql://app:{SECRET}@db,other/shop",
    "scheme": f"oracle://app:{SECRET}@db/shop",
    "sslmode": f"postgresql://app:{SECRET}@db/shop?sslmode=full",
    "certificate that nobody looks at": f"postgresql://app:{SECRET}@db/shop?sslrootcert=/ca.pem",
}


def capture_of(url: str) -> Capture:
    return parse_capture({"name": "shop", "url": url}, "the test")


@pytest.mark.parametrize("url", WRONG.values(), ids=WRONG.keys())
def test_an_address_that_cannot_be_right_is_refused_without_showing_it(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not describe a capture") as refused:
        capture_of(url)
    assert SECRET not in str(refused.value)
    with pytest.raises(ValidationError) as invalid:
        Capture(name="shop", url=url)
    assert SECRET not in str(invalid.value)
    with pytest.raises(UsageError) as refused:
        start(url, "shop", lambda capture: capture, CdcSettings(captures=tmp_path, state=tmp_path))
    assert SECRET not in str(refused.value)


def test_what_is_quoted_is_read() -> None:
    capture = capture_of("postgresql://a%40b:p%23%2F%3F%40s@db/my%40shop?sslmode=require")
    assert (capture.role, capture.password.get_secret_value(), capture.database) == ("a@b", "p#/?@s", "my@shop")
    assert "p%23" not in capture.url


def test_a_definition_that_is_no_yaml_is_told_without_its_line(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(f"name: shop\npassword: '{SECRET}\nurl: [")
    with pytest.raises(UsageError, match="is not YAML") as refused:
        read_capture(tmp_path / "shop.yaml")
    assert "line" in refused.value.detail
    assert SECRET not in str(refused.value)


def test_the_password_is_the_address_then_the_variable_then_the_known(monkeypatch: pytest.MonkeyPatch) -> None:
    bare, known = capture_of("postgresql://app@db/shop"), capture_of("postgresql://app:known@db/shop")

    def found(capture: Capture) -> str:
        return with_password(capture, known).password.get_secret_value()

    assert found(bare) == "known"
    # No server gets the password of another, nor of another role.
    assert found(capture_of("postgresql://app@other/shop")) == ""
    assert found(capture_of("postgresql://root@db/shop")) == ""
    monkeypatch.setenv("PGPASSWORD", "variable")
    assert found(bare) == "variable"
    assert found(capture_of("postgresql://app:own@db/shop")) == "own"


def test_debezium_is_told_the_sslmode() -> None:
    assert not [name for name in connector_config(capture_of("postgresql://app@db/shop")) if "ssl" in name]
    required = connector_config(capture_of("postgresql://app@db/shop?sslmode=require"))
    assert required["database.sslmode"] == "require"
    assert "database.sslfactory" not in required
    for end in ("", "&sslrootcert=system"):
        full = connector_config(capture_of(f"postgresql://app@db/shop?sslmode=verify-full{end}"))
        assert full["database.sslmode"] == "verify-full"
        assert full["database.sslfactory"] == "org.postgresql.ssl.DefaultJavaSSLFactory"
        assert "database.sslrootcert" not in full
    own = connector_config(capture_of("postgresql://app@db/shop?sslmode=verify-ca&sslrootcert=/etc/ca.pem"))
    assert own["database.sslrootcert"] == "/etc/ca.pem"
    assert "database.sslfactory" not in own


def test_our_own_connection_takes_the_same_sslmode(tmp_path: Path) -> None:
    def context(query: str) -> ssl.SSLContext | bool | None:
        return ssl_context(capture_of(f"postgresql://app@db/shop{query}").address)

    assert context("?sslmode=disable") is False
    assert context("") is None
    assert context("?sslmode=prefer") is None
    for mode, verify, name in (
        ("require", ssl.CERT_NONE, False),
        ("verify-ca", ssl.CERT_REQUIRED, False),
        ("verify-full", ssl.CERT_REQUIRED, True),
    ):
        found = context(f"?sslmode={mode}")
        assert isinstance(found, ssl.SSLContext)
        assert (found.verify_mode, found.check_hostname) == (verify, name)
    with pytest.raises(UsageError, match="cannot be read"):
        context(f"?sslmode=verify-full&sslrootcert={tmp_path / 'absent.pem'}")


def test_asking_again_without_a_table_needs_no_option_of_one() -> None:
    with pytest.raises(UsageError, match="which table"):
        asked_capture("postgresql://app@127.0.0.1:1/shop", "shop", [], "id", "", "", "", "reselect")


def test_another_kind_of_database_is_not_asked() -> None:
    from producers.cdc.database import Database

    capture = Capture(name="shop", url="mysql://app@127.0.0.1/shop", password=SecretStr(SECRET))
    with pytest.raises(UsageError, match="mysql") as refused:
        Database(capture)
    assert SECRET not in str(refused.value)
