"""What ``freshet cdc`` says of arguments that do not fit, and how its help looks."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from freshet.cli.main import app
from producers.cdc.capture import Capture, CapturedTable
from producers.cdc.captures import Captures

SECRET = "Geheim7"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["cdc", *arguments])


def test_both_an_address_and_a_definition_are_one_too_many(tmp_path: Path) -> None:
    definition = tmp_path / "shop.yaml"
    definition.touch()
    for arguments in (
        ("add", "postgresql://app@db/shop", "--file", str(definition)),
        ("manifest", "shop", "--file", str(definition)),
        ("outbox", "shop", "--file", str(definition)),
    ):
        result = run(*arguments)
        assert result.exit_code == 1
        assert "--file are given" in result.stderr


@pytest.mark.parametrize("command", ["add", "manifest"])
def test_neither_is_one_too_few(command: str) -> None:
    result = run(command)
    assert result.exit_code == 1
    assert "nothing says" in result.stderr


@pytest.mark.parametrize("command", ["", "add", "status", "manifest"])
def test_the_help_is_plain(command: str) -> None:
    result = run(*([command] if command else []), "-h")
    assert result.exit_code == 0
    assert "--install-completion" not in result.stdout
    assert "╭" not in result.stdout
    assert all(len(line) <= 100 for line in result.stdout.splitlines())


def test_no_list_and_no_manifest_shows_a_password(tmp_path: Path) -> None:
    table = CapturedTable(table="public.articles", key=("id",), text="{{title}}")
    url = f"postgresql://app:{SECRET}@db/shop?sslmode=require"
    Captures(tmp_path / "cdc" / "captures").write(Capture(name="shop", url=url, tables=(table,)))
    for arguments in (("list",), ("list", "--json"), ("manifest", "shop"), ("manifest", "shop", "--properties")):
        result = run(*arguments, "--state", str(tmp_path))
        assert result.exit_code == 0, result.output
        assert "shop" in result.stdout
        assert SECRET not in result.output
