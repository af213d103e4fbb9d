"""The page's files, and who may redrive."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

import search
from search.vendored import VENDOR, packages
from tests.unit.search.conftest import Serve

PAGE = Path(search.__file__ or "").parent / "page"
PLACE = {"letters": [{"partition": 0, "offset": 1}]}
REVIEWED = {
    "uplot.LICENSE": "8f989229699b4fe2",
    "uplot.css": "df630c6a8d6f8eea",
    "uplot.js": "19c8d4c6ad88929a",
}


def test_the_page_allows_nothing_from_elsewhere_and_no_script_in_its_text(client: httpx.Client) -> None:
    answer = client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("page", ["/", "/docs"])
def test_every_file_that_a_page_names_is_here(client: httpx.Client, page: str) -> None:
    text = client.get(page).text
    named = re.findall(r'(?:src|href)="([^"#]+)"', text)
    assert len(named) > 3
    for one in named:
        assert not one.startswith(("http:", "https:", "//"))
        assert client.get(f"/{one}").status_code == 200, one
    assert not re.search(r"<script>|<style|\son\w+=|style=", text)


def test_every_module_that_a_script_imports_is_here(client: httpx.Client) -> None:
    for script in PAGE.glob("*.js"):
        for imported in re.findall(r'from "\./([^"]+)"', script.read_text(encoding="utf-8")):
            answer = client.get(f"/page/{imported}")
            assert answer.headers["content-type"].startswith("text/javascript"), imported


@pytest.mark.parametrize("name", ["..%2fapp.py", "packages.json", "%2e%2e/app.py", "absent.js"])
def test_no_other_file_is_served(client: httpx.Client, name: str) -> None:
    assert client.get(f"/page/{name}").status_code == 404


def test_an_unchanged_file_is_not_sent_again(client: httpx.Client) -> None:
    tag = client.get("/page/main.js").headers["etag"]
    again = client.get("/page/main.js", headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_the_vendored_files_are_those_that_were_reviewed() -> None:
    """Made anew by ``make vendor``; a change of them is a change of this test."""
    listed = {name for package in packages() for name in package.files.values()}
    assert listed == {file.name for file in VENDOR.iterdir()} - {"packages.json"}
    digests = {name: hashlib.sha256((VENDOR / name).read_bytes()).hexdigest()[:16] for name in sorted(listed)}
    assert digests == REVIEWED


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"host": "evil.example"}, "evil.example"),
        ({"x-forwarded-for": "203.0.113.9"}, "203.0.113.9"),
        ({"forwarded": "for=203.0.113.9"}, "a proxy"),
        ({"origin": "https://evil.example"}, "the page of"),
        ({"origin": "null"}, "the page of"),
    ],
)
def test_without_a_key_only_this_machine_may_redrive(client: httpx.Client, headers: dict[str, str], why: str) -> None:
    answer = client.post("/dead-letters/redrive", json=PLACE, headers=headers)
    assert answer.status_code == 403
    assert why in answer.json()["detail"]
    assert "FRESHET_SEARCH_API_KEY" in answer.json()["remedy"]


def test_a_form_of_a_foreign_page_cannot_redrive(client: httpx.Client) -> None:
    answer = client.post(
        "/dead-letters/redrive",
        content=b'{"letters": [{"partition": 0, "offset": 1}]}',
        headers={"content-type": "text/plain"},
    )
    assert answer.status_code == 400


def test_with_a_key_the_key_decides(serve: Serve) -> None:
    client = serve(api_key="secret", host="127.0.0.1")
    assert client.post("/dead-letters/redrive", json=PLACE).status_code == 401
    allowed = client.post("/dead-letters/redrive", json=PLACE, headers={"x-api-key": "secret", "host": "any.example"})
    assert allowed.status_code == 503, "let through, as far as the broker that is not there"
    assert "Kafka" in allowed.json()["error"]


@pytest.mark.parametrize(
    "body", [{}, {"letters": []}, {"letters": [{"partition": 0}]}, {"letters": [{"partition": -1, "offset": 1}]}]
)
def test_a_redrive_of_nothing_is_an_error(client: httpx.Client, body: Any) -> None:
    assert client.post("/dead-letters/redrive", json=body).status_code == 400
