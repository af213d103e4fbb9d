"""``python -m producers.cdc.sample``: the sample tables in the database of CDC_DATABASE_URL, and their capture."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from freshet.errors import FreshetError
from producers.cdc.capture import Capture, CapturedTable
from producers.cdc.captures import Captures
from producers.cdc.catalog import table_facts
from producers.cdc.database import Database
from producers.cdc.registration import Registration
from producers.cdc.settings import CdcSettings

NAME = "sample"
TABLES = (
    CapturedTable(
        table="public.articles",
        key=("id",),
        text="{{title}}\n\n{{body}}",
        metadata=("tags", "author", "updated_at"),
        tenant="tenant",
    ),
    CapturedTable(table="public.authors", key=("id",), text="{{name}}\n{{biography}}"),
)


def main() -> int:
    """Makes what is absent. Exit status 1 with the reason on stderr."""
    try:
        install(os.environ["CDC_DATABASE_URL"], CdcSettings())
    except FreshetError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def install(url: str, settings: CdcSettings) -> Capture:
    """Blocks until the capture is registered. Raises FreshetError."""
    capture = Capture(name=NAME, url=url, tables=TABLES)
    with Database(capture) as database:
        if table_facts(database, "public.articles") is None:
            database.run((Path(__file__).parent / "sample.sql").read_text("utf-8"))
    Registration(Captures(settings.captures, settings.state), settings.connect_url).add(capture)
    return capture


if __name__ == "__main__":
    raise SystemExit(main())
