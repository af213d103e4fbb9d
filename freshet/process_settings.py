"""What the settings of every process have in common: small, frozen, read once from the environment by its main."""

from __future__ import annotations

import re
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from freshet.errors import UsageError


class ProcessSettings(BaseSettings):
    """A value that does not fit, or is missing, raises UsageError that names its variable."""

    model_config = SettingsConfigDict(frozen=True)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            detail = "; ".join(
                " ".join([*self._variables(one["loc"]), _said(one["type"], one["msg"])]) for one in error.errors()
            )
            raise _refused(detail) from error
        except SettingsError as error:
            named = self._variables(re.findall(r'field "(\w+)"', str(error)))
            raise _refused(" ".join([*named, "is not the JSON that it has to be"])) from error

    @classmethod
    def _variables(cls, place: tuple[int | str, ...] | list[str]) -> list[str]:
        """None where all settings together are meant."""
        return [f"{cls.model_config.get('env_prefix', '')}{name}".upper() for name in place[:1]]


def _said(kind: str, message: str) -> str:
    if kind == "missing":
        return "is not set"
    return message.removeprefix("Value error, ") if kind == "value_error" else f"does not fit: {message}"


def _refused(detail: str) -> UsageError:
    return UsageError("The settings are wrong", detail, "see docs/settings.md")
