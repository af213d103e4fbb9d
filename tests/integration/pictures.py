"""Pictures of the live page for the docs: ``make pictures``. Starts a stack of its own."""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path

from playwright.sync_api import Browser, expect

from freshet.publishing import Publisher
from freshet.settings import KafkaSettings
from freshet.stack.local import LocalStack
from freshet.stack.process import free_port, wait_until
from freshet.stack.running import running
from freshet.stack.settings import StackSettings
from freshet.topics import DOCUMENTS
from tests.integration.browser import Visit, browser

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
QUESTION = "why does my consumer see old messages"
LOAD_SECONDS = 45
RATE = 60
SUBJECTS = ("tide tables", "harbour fees", "pilot rosters", "berth plans", "cargo lists", "weather notes")


def main() -> None:
    """Blocks for about a minute and a half."""
    with tempfile.TemporaryDirectory() as folder:
        settings = StackSettings(Path(folder), ROOT / "examples" / "notes", free_port(), canary=True)
        with running(settings) as stack:
            _picture(stack)


def _picture(stack: LocalStack) -> None:
    stop = threading.Event()
    load = threading.Thread(target=_load, args=(stack, stop), daemon=True)
    with browser() as opened, Visit(opened, stack.search_url, height=1010) as visit:
        load.start()
        visit.page.get_by_label("What do you look for?").fill(QUESTION)
        expect(visit.page.locator("#dead button").first).to_be_visible(timeout=60_000)
        started = time.monotonic()
        wait_until(lambda: time.monotonic() - started > LOAD_SECONDS, "the chart has something to show", 120)
        IMAGES.mkdir(exist_ok=True)
        visit.page.screenshot(path=IMAGES / "page-light.png")
        _short(opened, stack, "page-dark.png", 1280, 640, dark=True)
        _short(opened, stack, "page-phone.png", 390, 844, dark=False)
    stop.set()
    load.join()


def _short(opened: Browser, stack: LocalStack, name: str, width: int, height: int, dark: bool) -> None:
    with Visit(opened, stack.search_url, width, height, dark) as visit:
        visit.page.get_by_label("What do you look for?").fill(QUESTION)
        expect(visit.page.locator("#results li").first).to_be_visible()
        expect(visit.page.locator("#p99")).not_to_have_text("–")
        expect(visit.page.locator("#rate-documents")).not_to_have_text("–")
        visit.page.screenshot(path=IMAGES / name)


def _load(stack: LocalStack, stop: threading.Event) -> None:
    """Changes at about RATE per second, in bursts, and a record that nobody can read."""
    number = 0
    with Publisher(KafkaSettings(bootstrap=stack.bootstrap)) as publisher:
        while not stop.wait(1 / 10):
            burst = RATE // 10 * (3 if number % 4_000 > 2_600 else 1)
            for _ in range(burst):
                number += 1
                subject = SUBJECTS[number % len(SUBJECTS)]
                text = f"The {subject} of day {number} were changed by the harbour master."
                publisher.publish(f"harbour/{subject.replace(' ', '-')}-{number % 90}", text, version=time.time_ns())
            if number > RATE and number - burst <= RATE:
                _bad(stack)


def _bad(stack: LocalStack) -> None:
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": stack.bootstrap, "partitioner": "murmur2_random"})
    producer.produce(DOCUMENTS.name, b'{"id": "orders/1017", "op": "merge", "version": 3}', b"orders/1017")
    producer.produce(DOCUMENTS.name, b'{"id": "orders/1018", "op": "upsert", "version": 12}', b"orders/1018")
    producer.flush(10)


if __name__ == "__main__":
    main()
