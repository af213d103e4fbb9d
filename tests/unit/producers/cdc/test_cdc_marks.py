"""What is noted of captures beside their definitions: rows to read again, documents to forget, who changes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from freshet.errors import UsageError
from producers.cdc.capture import Capture, CapturedTable
from producers.cdc.captures import Captures
from producers.cdc.connect_api import ConnectApi
from producers.cdc.marks import BeingChanged
from producers.cdc.progress import Progress, TableProgress
from producers.cdc.registration import Registration

ARTICLES = CapturedTable(table="public.articles", key=("id",), text="{{title}}")
AUTHORS = CapturedTable(table="public.authors", key=("id",), text="{{name}}")
SHOP = Capture(name="shop", url="postgresql://app@127.0.0.1:1/shop", tables=(ARTICLES, AUTHORS), epoch=3)
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def captures(tmp_path: Path) -> Captures:
    found = Captures(tmp_path / "captures", tmp_path / "state")
    found.write(SHOP)
    return found


def read(progress: Progress, capture: Capture, table: CapturedTable) -> TableProgress:
    """As a first read that came to its end."""
    found = progress.of(capture, table)
    found.rows, found.done = 10, True
    progress.write(capture, table, found)
    return found


def test_a_definition_that_may_not_be_written_is_read_again_all_the_same(captures: Captures, tmp_path: Path) -> None:
    captures.folder.chmod(0o500)
    progress = Progress(captures.state)
    read(progress, captures.read("shop"), ARTICLES)
    stamp, definition = captures.stamp(), (captures.folder / "shop.yaml").read_bytes()
    assert captures.marks.ask_resync("shop", 0) > 0
    assert captures.stamp() != stamp
    assert not progress.of(captures.read("shop"), ARTICLES).done
    assert (captures.folder / "shop.yaml").read_bytes() == definition
    captures.folder.chmod(0o700)


def test_each_mark_is_above_the_one_before_and_above_the_definition(captures: Captures) -> None:
    first = captures.marks.ask_resync("shop", 0)
    second = captures.marks.ask_resync("shop", 0)
    assert captures.marks.ask_resync("shop", second + 10**9) > second + 10**9 > second > first


def test_an_audit_lets_the_producer_forget_without_reading_again(captures: Captures) -> None:
    captures.marks.ask_resync("shop", 0)
    stamp, capture = captures.stamp(), captures.read("shop")
    captures.touch("shop")
    assert captures.stamp() != stamp
    assert captures.read("shop") == capture


def test_a_removed_capture_leaves_no_mark(captures: Captures) -> None:
    captures.marks.ask_resync("shop", 0)
    captures.remove("shop")
    captures.write(SHOP)
    assert captures.read("shop") == SHOP


def test_one_command_at_a_time_changes_a_capture(captures: Captures, tmp_path: Path) -> None:
    again = Captures(captures.folder, captures.state)
    with captures.marks.lock("shop"):
        with again.marks.lock("other", 0):
            pass
        with pytest.raises(BeingChanged, match="shop is being changed"), again.marks.lock("shop", 0):
            pass
    with again.marks.lock("shop", 0):
        pass


def test_an_epoch_never_falls(captures: Captures) -> None:
    registration = Registration(captures, NOWHERE)
    old = SHOP.model_copy(update={"epoch": 2})
    for attempt in (registration.add, registration.check):
        with pytest.raises(UsageError, match="may not fall from 3 to 2") as refused:
            attempt(old)
        assert "epoch: 3" in refused.value.remedy


def test_where_somebody_else_registers_connectors_adding_names_the_other_way(captures: Captures) -> None:
    with pytest.raises(UsageError, match="not registered from here") as refused:
        Registration(captures, NOWHERE, manage=False).add(SHOP)
    assert "freshet cdc prepare" in refused.value.remedy


def test_a_table_that_was_taken_out_and_comes_back_is_read_again(tmp_path: Path) -> None:
    progress = Progress(tmp_path)
    read(progress, SHOP, ARTICLES)
    read(progress, SHOP, AUTHORS)
    progress.keep([SHOP.model_copy(update={"tables": (ARTICLES,)})])
    again = Progress(tmp_path)
    assert again.of(SHOP, ARTICLES).done
    assert not again.of(SHOP, AUTHORS).done


def test_a_read_that_was_under_way_when_its_table_was_taken_out_counts_for_nothing(tmp_path: Path) -> None:
    progress = Progress(tmp_path)
    under_way = progress.of(SHOP, AUTHORS)
    progress.keep([SHOP.model_copy(update={"tables": (ARTICLES,)})])
    under_way.done = True
    progress.write(SHOP, AUTHORS, under_way)
    # Nor what a reader by the definition before begins only now.
    read(progress, SHOP, AUTHORS)
    assert not progress.of(SHOP, AUTHORS).done
    progress.keep([SHOP])
    assert not progress.of(SHOP, AUTHORS).done
    progress.write(SHOP, AUTHORS, under_way)
    assert not Progress(tmp_path).of(SHOP, AUTHORS).done
    assert read(progress, SHOP, AUTHORS) is progress.of(SHOP, AUTHORS)
    assert Progress(tmp_path).of(SHOP, AUTHORS).done


def test_a_definition_that_cannot_be_read_at_present_loses_no_progress(tmp_path: Path) -> None:
    progress = Progress(tmp_path)
    read(progress, SHOP, ARTICLES)
    progress.keep([], ["shop"])
    assert progress.of(SHOP, ARTICLES).done
    progress.keep([], ["sho"])
    assert not progress.of(SHOP, ARTICLES).done


def test_a_connector_has_a_name_that_kubernetes_takes_too() -> None:
    assert SHOP.connector_name == "freshet-shop"
    assert SHOP.model_copy(update={"name": "my_shop_2"}).connector_name == "freshet-my-shop-2"


def test_a_name_without_an_underscore_is_not_asked_for() -> None:
    with ConnectApi(NOWHERE) as api:
        assert api.connector_of(SHOP) == "freshet-shop"
