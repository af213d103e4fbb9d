"""A capture that belongs to the start of the system: made at the first, and never in the way of the later ones."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from freshet.errors import FreshetError
from producers.cdc.capture import Capture, parse_capture
from producers.cdc.captures import Captures
from producers.cdc.database import Database
from producers.cdc.password import with_password
from producers.cdc.registration import Registration
from producers.cdc.settings import CdcSettings

ADDRESS = "CDC_DATABASE_URL"


def main_of(name: str, tables: Callable[[Capture], Capture]) -> int:
    """Capture the database of CDC_DATABASE_URL. Exit status 1 with the reason on stderr; what a capture that exists
    lacks is on stdout.
    """
    try:
        for warning in start(os.environ[ADDRESS], name, tables, CdcSettings()):
            sys.stdout.write(f"{warning}\n")
    except FreshetError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def start(url: str, name: str, tables: Callable[[Capture], Capture], settings: CdcSettings) -> list[str]:
    """``tables`` fills in what a capture without tables should have. A capture that exists keeps all but its address;
    what hinders it is returned, for its repair may need the system. Blocks; raises FreshetError.
    """
    captures = Captures(settings.captures, settings.state)
    registration = Registration(captures, settings.connect_url, settings.manage)
    asked = parse_capture({"name": name, "url": url}, "the address")
    if name not in captures.names():
        registration.add(tables(with_password(asked)))
        return []
    try:
        known = captures.read(name)
        asked = with_password(asked, known)
        capture = known.model_copy(update={"url": asked.url, "password": asked.password})
        if capture != known:
            with Database(capture):
                captures.write(capture)
        findings = registration.add(tables(capture))
    except FreshetError as error:
        return [f"{name}: {error}"]
    return [f"{name}: {one.detail}. {one.remedy}" for one in findings if one.name == "connector"]
