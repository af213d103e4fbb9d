"""``python -m producers.cdc.existing``: capture what can be captured of the database of CDC_DATABASE_URL."""

from __future__ import annotations

from freshet.errors import UsageError
from producers.cdc.capture import Capture, CapturedTable
from producers.cdc.catalog import TableFacts, table_facts, tables_with_key
from producers.cdc.database import Database
from producers.cdc.row_key import can_name_rows
from producers.cdc.startup import main_of

NAME = "database"


def proposed(capture: Capture) -> Capture:
    """With every table that has a primary key and a column of text beside those that it names already. Raises
    UsageError where there is none.
    """
    tables = list(capture.tables)
    with Database(capture) as database:
        for name in tables_with_key(database):
            if name in capture.captured:
                continue
            facts = table_facts(database, name)
            if facts is not None and (table := default_table(name, facts)) is not None:
                tables.append(table)
    if not tables:
        raise UsageError(
            "there is nothing to capture", "no table has a primary key and a column of text", "name one with --table"
        )
    return capture.model_copy(update={"tables": tuple(tables)})


def found(capture: Capture) -> Capture:
    """As ``proposed`` at first; a definition that has tables says which it wants."""
    return capture if capture.captured else proposed(capture)


def default_table(name: str, facts: TableFacts) -> CapturedTable | None:
    """All columns of text that are not part of the key, one below the other; None without one, or where the log does
    not name its rows by their key, or the role may not read all of them.
    """
    texts = [
        column.name
        for column in facts.columns.values()
        if column.is_text and not column.generated and column.name not in facts.primary_key
    ]
    plain = [name for name in texts if name.isidentifier()]
    named = bool(facts.primary_key) and set(facts.primary_key) <= set(facts.identity_key)
    told_apart = all(can_name_rows(facts.columns[column]) for column in facts.primary_key)
    if not named or not told_apart or not plain or not facts.readable or facts.row_security:
        return None
    return CapturedTable(table=name, key=facts.primary_key, text="\n".join(f"{{{{{column}}}}}" for column in plain))


if __name__ == "__main__":
    raise SystemExit(main_of(NAME, found))
