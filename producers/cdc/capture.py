"""What is captured: one database, its tables, and how a row becomes a document. One YAML file each."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from freshet.errors import UsageError
from producers.cdc.address import Address, Kind, parse_address, password_apart
from producers.cdc.template import Template

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
"""It becomes part of the slot's name, which takes no other characters."""
Toast = Literal["reselect", "full"]
# What does not fit is not shown: it may be a password, or an address with one.
_STRICT = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class CapturedTable(BaseModel):
    """One table. ``text`` is a template over the columns."""

    model_config = _STRICT

    table: Annotated[str, Field(pattern=r"^[^.]+\.[^.]+$", description="schema.table")]
    key: tuple[str, ...] = Field(min_length=1, description="columns that name a row; usually the primary key")
    text: str = Field(description="template of the document's text, for example {{title}}")
    metadata: tuple[str, ...] = Field((), description="columns that become metadata")
    tenant: str | None = Field(None, description="column that names the tenant")
    toast: Toast = Field(
        "reselect", description="how an unchanged large column is had: read again, or REPLICA IDENTITY FULL"
    )

    @field_validator("key", "metadata", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("text")
    @classmethod
    def _compiles(cls, value: str) -> str:
        Template(value)
        return value

    @cached_property
    def template(self) -> Template:
        return Template(self.text)

    @cached_property
    def content_columns(self) -> frozenset[str]:
        """Those that text, metadata and tenant are made of."""
        tenant = () if self.tenant is None else (self.tenant,)
        return frozenset({*self.metadata, *tenant, *self.template.columns})

    @cached_property
    def columns(self) -> frozenset[str]:
        """The same with the key's."""
        return self.content_columns.union(self.key)


class Outbox(BaseModel):
    """A table of events that the application writes itself, instead of tables whose rows are mapped."""

    model_config = _STRICT

    table: Annotated[str, Field(pattern=r"^[^.]+\.[^.]+$")] = "public.freshet_outbox"


class Capture(BaseModel):
    """One database. ``name`` is that of slot, publication, connector and topics, and begins every document id."""

    model_config = _STRICT

    name: Name
    url: str = Field(description="postgresql://role@host:port/database")
    password: SecretStr = SecretStr("")
    tables: tuple[CapturedTable, ...] = ()
    outbox: Outbox | None = None
    epoch: int = Field(0, ge=0, le=63, description="raise it by one when the database was restored or moved")
    resync: int = Field(0, ge=0, description="raised by `freshet cdc repair`, to read all rows again")
    connector: dict[str, str] = Field(default_factory=dict, description="further Debezium properties; they win")

    @model_validator(mode="before")
    @classmethod
    def _password_from_url(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("url"), str):
            bare, password = password_apart(value["url"])
            if password is not None:
                return {**value, "url": bare, "password": value.get("password") or password}
        return value

    @field_validator("url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        parse_address(value)
        return value

    @model_validator(mode="after")
    def _tables_once(self) -> Capture:
        names = [table.table for table in self.tables]
        if len(set(names)) != len(names):
            raise ValueError("a table is named twice")
        return self

    @property
    def address(self) -> Address:
        return parse_address(self.url)

    @property
    def kind(self) -> Kind:
        return self.address.kind

    @property
    def host(self) -> str:
        return self.address.host

    @property
    def port(self) -> int:
        return self.address.port

    @property
    def role(self) -> str:
        return self.address.role

    @property
    def database(self) -> str:
        return self.address.database

    @property
    def slot(self) -> str:
        """Also the publication's name."""
        return f"freshet_{self.name}"

    @property
    def connector_name(self) -> str:
        """Also of a resource of Kubernetes, which takes no ``_``; see ``ConnectApi.connector_of``."""
        return f"freshet-{self.name}".replace("_", "-")

    @property
    def topic_prefix(self) -> str:
        return f"cdc.{self.name}"

    @property
    def captured(self) -> tuple[str, ...]:
        """Every table that the publication needs."""
        return (*(table.table for table in self.tables), *(() if self.outbox is None else (self.outbox.table,)))

    def topic(self, table: str) -> str:
        """Where Debezium writes a table's changes."""
        return f"{self.topic_prefix}.{re.sub(r'[^A-Za-z0-9._-]', '_', table)}"

    def table(self, name: str) -> CapturedTable | None:
        return next((table for table in self.tables if table.table == name), None)


def read_capture(path: Path) -> Capture:
    """Raises UsageError with the field that does not fit."""
    try:
        return parse_capture(yaml.safe_load(path.read_text("utf-8")), str(path))
    except OSError as error:
        raise UsageError(f"{path} cannot be read", str(error), "check the name and its permissions") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is not YAML", _where(error), "mend it; docs/cdc.md has an example") from None


def _where(error: yaml.YAMLError) -> str:
    """Without the line itself, which may be the password's."""
    mark = getattr(error, "problem_mark", None)
    return "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}"


def parse_capture(value: Any, place: str) -> Capture:
    """``place`` is named in the error."""
    try:
        return Capture.model_validate(value)
    except ValidationError as error:
        wrong = "; ".join(_told(one["loc"], one["msg"]) for one in error.errors())
        raise UsageError(f"{place} does not describe a capture", wrong, "docs/cdc.md has an example") from None


def _told(place: tuple[int | str, ...], message: str) -> str:
    return f"{'.'.join(map(str, place)) or 'capture'}: {message.removeprefix('Value error, ')}"


def to_yaml(capture: Capture) -> str:
    """With the password, so that only its owner may read the file."""
    value = capture.model_dump(mode="json", exclude_defaults=True, exclude={"password"})
    if secret := capture.password.get_secret_value():
        value["password"] = secret
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True))
