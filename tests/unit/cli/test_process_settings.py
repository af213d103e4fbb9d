"""What a person is told of a setting that is wrong."""

from __future__ import annotations

import pytest

from freshet.errors import UsageError
from freshet.process_settings import ProcessSettings
from freshet.settings import KafkaSettings, SearchSettings, model_settings
from producers.files.settings import FilesSettings


@pytest.mark.parametrize(
    ("settings", "variables", "named"),
    [
        (KafkaSettings, {"FRESHET_KAFKA_PROTOCOL": "tls"}, "FRESHET_KAFKA_PROTOCOL does not fit: .*'plaintext'"),
        (SearchSettings, {"FRESHET_SEARCH_PORT": "-1"}, "FRESHET_SEARCH_PORT does not fit: .*greater"),
        (KafkaSettings, {"FRESHET_KAFKA_EXTRA": "notjson"}, "FRESHET_KAFKA_EXTRA is not the JSON"),
        (FilesSettings, {}, "FRESHET_FILES_ROOT is not set"),
        (KafkaSettings, {"FRESHET_KAFKA_PROTOCOL": "sasl_ssl"}, "wrong. FRESHET_KAFKA_USERNAME and"),
        (
            SearchSettings,
            {"FRESHET_SEARCH_PORT": "x", "FRESHET_SEARCH_MAX_K": "0"},
            "FRESHET_SEARCH_PORT does.*; FRESHET_SEARCH_MAX_K does",
        ),
    ],
)
def test_its_variable_is_named(
    settings: type[ProcessSettings], variables: dict[str, str], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=named):
        settings()


def test_a_model_setting_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRESHET_MODEL_PRECISION", "int4")
    with pytest.raises(UsageError, match="FRESHET_MODEL_PRECISION"):
        model_settings()


def test_settings_are_frozen() -> None:
    settings = KafkaSettings()
    with pytest.raises(ValueError, match="frozen"):
        settings.bootstrap = "elsewhere"  # type: ignore[misc]
