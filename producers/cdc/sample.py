"""``python -m producers.cdc.sample``: the sample tables in the database of CDC_DATABASE_URL, and their capture."""

from __future__ import annotations

from pathlib import Path

from producers.cdc.capture import Capture, CapturedTable
from producers.cdc.catalog import table_facts
from producers.cdc.database import Database
from producers.cdc.startup import main_of

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


def sampled(capture: Capture) -> Capture:
    """With the sample tables, which are made where they are absent. Blocks; raises FreshetError."""
    with Database(capture) as database:
        if table_facts(database, "public.articles") is None:
            database.run((Path(__file__).parent / "sample.sql").read_text("utf-8"))
    return capture if capture.tables else capture.model_copy(update={"tables": TABLES})


if __name__ == "__main__":
    raise SystemExit(main_of(NAME, sampled))
