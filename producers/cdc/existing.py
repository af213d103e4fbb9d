"""``python -m producers.cdc.existing``: capture what can be captured of the database of CDC_DATABASE_URL."""

from __future__ import annotations

import os
import sys

from freshet.errors import FreshetError, UsageError
from producers.cdc.capture import Capture, CapturedTable
from producers.cdc.captures import Captures
from producers.cdc.catalog import TableFacts, table_facts, tables_with_key
from producers.cdc.database import Database
from producers.cdc.registration import Registration
from producers.cdc.settings import CdcSettings

NAME = "database"


def main() -> int:
    """Leaves a capture of this name as it is. Exit status 1 with the reason on stderr."""
    settings = CdcSettings()
    captures = Captures(settings.captures, settings.state)
    try:
        if NAME in captures.names():
            capture = captures.read(NAME)
        else:
            capture = proposed(Capture(name=NAME, url=os.environ["CDC_DATABASE_URL"]))
        Registration(captures, settings.connect_url).add(capture)
    except FreshetError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def proposed(capture: Capture) -> Capture:
    """With every table that has a primary key and a column of text. Raises UsageError where there is none."""
    tables = []
    with Database(capture) as database:
        for name in tables_with_key(database):
            facts = table_facts(database, name)
            if facts is not None and (table := default_table(name, facts)) is not None:
                tables.append(table)
    if not tables:
        raise UsageError(
            "there is nothing to capture", "no table has a primary key and a column of text", "name one with --table"
        )
    return capture.model_copy(update={"tables": tuple(tables)})


def default_table(name: str, facts: TableFacts) -> CapturedTable | None:
    """All columns of text that are not part of the key, one below the other; None without one, or where the log does
    not name its rows by their key.
    """
    texts = [
        column.name
        for column in facts.columns.values()
        if column.is_text and not column.generated and column.name not in facts.primary_key
    ]
    plain = [name for name in texts if name.isidentifier()]
    named = bool(facts.primary_key) and set(facts.primary_key) <= set(facts.identity_key)
    if not named or not plain or not facts.readable:
        return None
    return CapturedTable(table=name, key=facts.primary_key, text="\n".join(f"{{{{{column}}}}}" for column in plain))


if __name__ == "__main__":
    raise SystemExit(main())
