"""The live page in a real browser, on the real stack."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from freshet.stack.local import LocalStack
from tests.integration.browser import Visit
from tests.integration.pipeline import Pipeline

HOSTILE = "<script>window.hit = 1</script><img src=x onerror='window.hit = 1'> a harmless sentence about foxgloves"


@pytest.fixture
def visit(chrome: Browser, stack: LocalStack) -> Iterator[Visit]:
    with Visit(chrome, stack.search_url) as opened:
        expect(opened.page.locator("#connection")).to_have_text("live")
        yield opened
        assert opened.complaints == []
        assert opened.foreign == [], "nothing comes from elsewhere"


def test_what_is_published_appears_in_the_results_and_among_the_changes(visit: Visit, pipeline: Pipeline) -> None:
    page = visit.page
    page.get_by_label("What do you look for?").fill("how do lighthouse keepers polish the lens")
    expect(page.locator("#found")).not_to_have_text("Results come as you type.")

    pipeline.publish("lens", "Lighthouse keepers polish the lens with chalk and spirit.", 1)

    first = page.locator("#results li").first
    expect(first).to_contain_text("chalk and spirit")
    expect(first).to_contain_text(re.compile(r"changed (now|.* ago), searchable after \d"))
    change = page.locator("#changes tr", has_text=pipeline.id("lens"))
    expect(change.first).to_contain_text(re.compile(r"1 chunk.*\d+(\.\d)? m?s"))

    pipeline.publish("lens", "Lighthouse keepers polish the lens with vinegar.", 2)
    expect(first).to_contain_text("vinegar")
    pipeline.delete("lens", 3)
    expect(page.locator("#results")).not_to_contain_text("vinegar")
    expect(page.locator("#changes")).to_contain_text("deleted")


def test_the_flow_and_the_chart_move(visit: Visit, pipeline: Pipeline) -> None:
    page = visit.page
    for version in range(1, 6):
        pipeline.publish("moving", f"The river moves, {version}.", version)
    expect(page.locator("#rate-documents")).to_have_text(re.compile(r"\d/s"))
    expect(page.locator("#behind-job")).to_have_text(re.compile(r"\d"))
    expect(page.locator("#batch-p99")).to_have_text(re.compile(r"ms|s"))
    expect(page.locator("#batch-size")).to_have_text(re.compile(r"\d"))
    expect(page.locator("#documents")).to_have_text(re.compile(r"\d"))
    expect(page.locator("#chart canvas")).to_be_visible()


def test_a_dead_letter_is_shown_with_its_reason_and_sent_back_by_its_button(visit: Visit, pipeline: Pipeline) -> None:
    key = pipeline.id("dead")
    partition, offset = pipeline.raw(json.dumps({"id": key, "op": "merge", "version": 1}).encode(), key.encode())
    pipeline.dead_letter(partition, offset)

    row = visit.page.locator("#dead tr", has_text=key)
    expect(row).to_contain_text("invalid-field")
    row.get_by_role("button", name="Redrive").click()
    expect(visit.page.locator("#dead-answer")).to_contain_text("was sent back")
    # It comes back, since nobody mended it, and says how often it did.
    expect(visit.page.locator("#dead tr", has_text=key)).to_contain_text("redriven 1×")


def test_a_hostile_text_is_shown_as_text(visit: Visit, pipeline: Pipeline) -> None:
    page = visit.page
    pipeline.publish("<b onmouseover=alert(1)>", HOSTILE, 1, {"title": HOSTILE})
    pipeline.wait_version("<b onmouseover=alert(1)>", 1)
    page.get_by_label("What do you look for?").fill("foxgloves")
    expect(page.locator("#results li", has_text="<script>window.hit = 1</script>")).to_be_visible()
    assert page.evaluate("window.hit") is None
    assert page.locator("main script, main img, main [onmouseover]").count() == 0


def test_markup_from_text_is_refused_by_the_browser_itself(visit: Visit) -> None:
    made = visit.page.evaluate(
        "() => { try { document.body.innerHTML = '<p>'; return 'made' } catch (error) { return error.name } }"
    )
    assert made == "TypeError"
    visit.complaints[:] = [one for one in visit.complaints if "TrustedHTML" not in one]


def test_the_page_works_by_keyboard(visit: Visit) -> None:
    page = visit.page
    page.keyboard.press("Tab")
    expect(page.get_by_text("To the search")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.get_by_label("What do you look for?").focus()
    page.keyboard.type("anything")
    page.keyboard.press("Enter")
    expect(page.locator("#found")).to_have_text(re.compile(r"result|Nothing"))
    pause = page.get_by_role("button", name="Pause")
    pause.focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Go on")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (375, False)], ids=["light", "dark", "phone"])
def test_axe_finds_nothing_and_nothing_is_cut_off(
    chrome: Browser, stack: LocalStack, pipeline: Pipeline, width: int, dark: bool
) -> None:
    pipeline.publish("axe", "A document for those who cannot see.", 1)
    pipeline.wait_version("axe", 1)
    with Visit(chrome, stack.search_url, width, dark=dark) as visit:
        visit.page.get_by_label("What do you look for?").fill("who cannot see")
        expect(visit.page.locator("#results li").first).to_be_visible()
        expect(visit.page.locator("#changes td.id").first).to_be_visible()
        expect(visit.page.locator("#dead td").first).to_be_visible()
        assert visit.violations() == ""
        assert not visit.overflows()


def test_the_api_s_page_loads_nothing_from_elsewhere(chrome: Browser, stack: LocalStack) -> None:
    with Visit(chrome, f"{stack.search_url}/docs") as visit:
        expect(visit.page.get_by_text("/documents/{document_id}")).to_be_visible()
        assert visit.foreign == []
        assert visit.complaints == []
