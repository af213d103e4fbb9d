"""The text of a document from the columns of a row: Jinja's templates, sandboxed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from freshet.errors import RejectedRecord, UsageError


def _shown(value: Any) -> Any:
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list | bool) else value


_environment: Final = ImmutableSandboxedEnvironment(
    autoescape=False, undefined=StrictUndefined, finalize=_shown, keep_trailing_newline=True
)


class Template:
    """``{{column}}`` is a column's value; NULL is nothing, a list or an object its JSON."""

    def __init__(self, source: str) -> None:
        """Raises UsageError where it cannot be read."""
        self.source = source
        try:
            self._template = _environment.from_string(source)
            self.columns: frozenset[str] = frozenset(meta.find_undeclared_variables(_environment.parse(source)))
            """Those that it names."""
        except TemplateSyntaxError as error:
            raise UsageError(
                f"the template {source!r} cannot be read", error.message or "", "write {{column}} for a column's value"
            ) from error

    def pieces(self) -> list[tuple[bool, str]]:
        """Literals (True) and plain columns (False). Raises UsageError where it holds anything else."""
        body = _environment.parse(self.source).body
        outputs = [node for statement in body if isinstance(statement, nodes.Output) for node in statement.nodes]
        found = [
            (True, node.data) if isinstance(node, nodes.TemplateData) else (False, node.name)
            for node in outputs
            if isinstance(node, nodes.TemplateData | nodes.Name)
        ]
        if len(found) != len(outputs) or not all(isinstance(statement, nodes.Output) for statement in body):
            raise UsageError(
                f"the template {self.source!r} cannot be said in SQL", "it is more than columns", "use {{column}} only"
            )
        return found or [(True, "")]

    def render(self, row: Mapping[str, Any]) -> str:
        """Raises RejectedRecord where the row lacks a column, or an expression fails."""
        try:
            return self._template.render(row)
        except (TemplateError, TypeError, ValueError, ArithmeticError, AttributeError, LookupError) as error:
            raise RejectedRecord("template-failed", f"{type(error).__name__}: {error}") from error
