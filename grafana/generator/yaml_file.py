"""YAML as people read it, marked as written by a program."""

from __future__ import annotations

import io
from typing import Any

from ruamel.yaml import YAML

MARK = "# Written by `make dashboards` from grafana/generator: change it there.\n"


def to_yaml(content: Any) -> str:
    text = io.StringIO()
    writer = YAML()
    writer.width = 110
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.dump(content, text)
    return MARK + text.getvalue()
