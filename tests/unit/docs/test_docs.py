"""The documentation says what the code says."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import pytest
from typer.main import get_command

from freshet.cli.main import app
from freshet.topics import TOPICS
from tests.faults.mutants.catalogue import MUTANTS

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PYTHON = [
    pytest.param(match[2], id=f"{page.stem}-{number}")
    for page in PAGES
    for number, match in enumerate(FENCE.finditer(page.read_text(encoding="utf-8")))
    if match[1] == "python"
]


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR: Any = load_generator()


def written() -> str:
    """All that a person wrote, without the generated pages and the decisions."""
    pages = [page for page in PAGES if page not in GENERATOR.pages() and page.is_relative_to(ROOT)]
    return "\n".join(
        page.read_text(encoding="utf-8") for page in pages if page.parent.name not in ("decisions", "results")
    )


@pytest.mark.parametrize("page", ["metrics.md", "settings.md"])
def test_a_generated_page_is_what_the_code_says_now(page: str) -> None:
    says = GENERATOR.pages()[DOCS / page]
    assert (DOCS / page).read_text(encoding="utf-8") == says, "run .venv/bin/python docs/generate.py"


def test_the_pages_do_not_depend_on_this_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    before = GENERATOR.pages()
    monkeypatch.setenv("FRESHET_MODEL_CACHE", "/elsewhere")
    assert GENERATOR.pages() == before


def test_check_says_which_page_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(GENERATOR, "DOCS", tmp_path)
    monkeypatch.setattr(sys, "argv", ["generate.py", "--check"])
    assert GENERATOR.main() == 1
    assert "metrics.md" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["generate.py"])
    assert GENERATOR.main() == 0
    monkeypatch.setattr(sys, "argv", ["generate.py", "--check"])
    assert GENERATOR.main() == 0


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_each_topic_is_explained(topic: Any) -> None:
    assert f"`{topic.name}`" in written()


def commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The leaves of the command line, as they are typed."""
    if not hasattr(command, "list_commands"):
        yield path
        return
    context = command.make_context(path[-1], [], resilient_parsing=True)
    for name in command.list_commands(context):
        yield from commands(command.get_command(context, name), (*path, name))


COMMANDS = [" ".join(path) for path in commands(get_command(app), ("freshet",))]


def test_the_walk_finds_the_commands_of_stages_too() -> None:
    assert {"freshet up", "freshet search", "freshet dead-letters redrive"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_shown(command: str) -> None:
    assert re.search(rf"{re.escape(command)}\b", written())


def test_each_variable_in_the_code_is_in_the_settings() -> None:
    """Those of the settings classes are there by generation; a message may name no other."""
    documented = set(re.findall(r"`(FRESHET_[A-Z_]+)`", (DOCS / "settings.md").read_text(encoding="utf-8")))
    tracked = subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in tracked:
        if name.startswith(("tests/", "docs/", "examples/")) or not (ROOT / name).is_file():
            continue
        used = re.findall(r"\bFRESHET_[A-Z_]*[A-Z]\b", (ROOT / name).read_text(encoding="utf-8"))
        assert set(used) <= documented, name


def test_each_variable_that_up_sets_is_listed() -> None:
    listed = [name for _, names in GENERATOR.STACK_SETS for name in names]
    assert len(listed) == len(set(listed))
    texts = (file.read_text(encoding="utf-8") for file in (ROOT / "freshet" / "stack").glob("*.py"))
    quoted = {name for text in texts for name in re.findall(r'"(FRESHET_[A-Z_]+)"', text)}
    # Of the job's shape: read there, not set.
    assert set(listed) == quoted - {"FRESHET_JOB_CONTEXT_MESSAGES"}


def options(command: Any) -> Iterator[Any]:
    """Of the command and all below it."""
    context = command.make_context(command.name, [], resilient_parsing=True)
    yield from command.get_params(context)
    for name in command.list_commands(context) if hasattr(command, "list_commands") else ():
        yield from options(command.get_command(context, name))


def test_each_variable_of_an_option_is_listed() -> None:
    named = {option.envvar for option in options(get_command(app)) if option.envvar}
    assert "FRESHET_STATE" in named
    assert named <= GENERATOR.COMMAND_LINE.keys()


def test_each_variable_in_the_docs_exists() -> None:
    known = set(re.findall(r"`(FRESHET_[A-Z_]+)`", GENERATOR.settings_page()))
    for file in (ROOT / "tests" / "faults").rglob("*.py"):
        # What a fault takes from the environment is in tests/faults/README.md; results name it too.
        known |= set(re.findall(r"\"(FRESHET_[A-Z_]+)\"", file.read_text(encoding="utf-8")))
    for page in PAGES:
        named = set(re.findall(r"\bFRESHET_[A-Z_]*[A-Z]\b", page.read_text(encoding="utf-8")))
        assert named <= known, page.name


def test_each_reason_of_a_dead_letter_is_explained() -> None:
    explained = set(re.findall(r"`([a-z-]+)`", (DOCS / "how-it-works.md").read_text(encoding="utf-8")))
    raised = re.compile(r'\b(?:RejectedRecord|RefusedFile|dead)\(\s*"([a-z-]+)"')
    for package in GENERATOR.PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            # What these raise is told to the caller of `freshet.publish`.
            if file.parent != ROOT / "freshet" / "publishing":
                assert set(raised.findall(file.read_text(encoding="utf-8"))) <= explained, file


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#{1,6} +(.+?) *$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_relative_link_resolves(page: Path) -> None:
    for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = unquote(link).partition("#")
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{page.name}: {link}"
        assert file.is_relative_to(ROOT), f"{page.name}: {link}"
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), f"{page.name}: {link}"


@pytest.mark.parametrize("code", PYTHON)
def test_python_in_the_docs_compiles(code: str) -> None:
    compile(code, "docs", "exec")


def test_no_page_has_an_open_fence() -> None:
    for page in PAGES:
        assert page.read_text(encoding="utf-8").count("\n```") % 2 == 0, page.name


def test_figures_come_from_results() -> None:
    """The README's table goes below its mark; what it links to as a source has to be there."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "<!-- figures -->" in text
    section = text.split("## Figures", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    assert not rows or "docs/results/" in section


def test_the_readme_counts_the_mutants_of_the_table() -> None:
    table = (DOCS / "results" / "mutants.md").read_text(encoding="utf-8")
    kinds = dict(re.findall(r"^\| (?!mutant |---)(.+?) \| (\w+) \|", table, re.MULTILINE))
    assert kinds.keys() == {mutant.name for mutant in MUTANTS}
    harmful = [mutant.name for mutant in MUTANTS if not mutant.harmless]
    found = sum(kinds[name] != "nothing" for name in harmful)
    assert f"| {found} of {len(harmful)} | [mutants]" in (ROOT / "README.md").read_text(encoding="utf-8")
