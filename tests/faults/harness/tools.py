"""Programs that are no Python packages: a test without its tool is skipped, and where all must be there it fails."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

REQUIRED = "FRESHET_REQUIRE_TOOLS"
"""Set where ``make tools`` has run: then a missing tool is an error."""

DOCKER_REQUIRED = "FRESHET_REQUIRE_DOCKER"
"""Set where there must be a Docker engine, which ``make tools`` does not bring."""


def missing(tool: str, remedy: str, required: str = REQUIRED) -> NoReturn:
    """Skip the test, or fail it where tools are required: where the variable ``required`` is set."""
    reason = f"{tool} is missing: {remedy}"
    if os.environ.get(required):
        pytest.fail(reason)
    pytest.skip(reason)
