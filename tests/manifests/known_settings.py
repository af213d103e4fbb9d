"""Whether the FRESHET_… variables of an image or a manifest are ones that the code reads, with values that it takes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from docs.generate import SETTINGS
from freshet.errors import UsageError

PREFIX = "FRESHET_"


def variables() -> dict[str, type[BaseSettings]]:
    """Every variable with the settings that read it."""
    return {
        f"{settings.model_config.get('env_prefix', '')}{field}".upper(): settings
        for settings, _ in SETTINGS
        for field in settings.model_fields
    }


def wrong(environment: Mapping[str, str]) -> list[str]:
    """What is wrong with it, in words; empty where all is well."""
    known = variables()
    ours = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    found = [f"{name} is no setting" for name in ours if name not in known]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ours.items():
            patch.setenv(name, value)
        for settings in {known[name] for name in ours if name in known}:
            try:
                settings()
            except UsageError as error:
                found += _reasons(settings, error, ours)
    return found


def _reasons(settings: type[BaseSettings], refused: UsageError, ours: Mapping[str, str]) -> list[str]:
    error = refused.__cause__
    if not isinstance(error, ValidationError):
        return [str(refused)]
    prefix = settings.model_config.get("env_prefix", "")
    named = [(f"{prefix}{one['loc'][0]}".upper(), one["msg"]) for one in error.errors() if one["loc"]]
    # A required one that is not set here may be set elsewhere.
    return [f"{name}={ours[name]}: {message}" for name, message in named if name in ours]
