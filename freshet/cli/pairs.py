"""``name=value`` on the command line."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import typer

from freshet.events import Metadata, Scalar


def pair(text: str, option: str) -> tuple[str, str]:
    """Raises typer.BadParameter (exit code 2) where there is no ``=`` or no name."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint=option)
    return name, value


def metadata(texts: Iterable[str], option: str) -> Metadata:
    """A value that is JSON (a number, true, null, a list, a quoted string) is that, anything else is text."""
    return {name: _value(value) for name, value in (pair(text, option) for text in texts)}


def _value(text: str) -> Scalar | list[Scalar]:
    try:
        value: Scalar | list[Scalar] = msgspec.json.decode(text, type=Scalar | list[Scalar])
    except (msgspec.DecodeError, UnicodeError):
        return text
    return value
