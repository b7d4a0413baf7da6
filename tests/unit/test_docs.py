"""The documentation: every link leads somewhere, and every page is part of the site."""

import re
from functools import cache
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
# Not by git, which refuses a checkout of another user.
PAGES = sorted(
    str(page.relative_to(ROOT))
    for folder in (".", "bench", "config", "demo", "docs", "packages", "tests")
    for page in (ROOT / folder).glob("*.md" if folder == "." else "**/*.md")
)
FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]+)\)")


@cache
def read(page: Path) -> str:
    """Return the text of a page without its blocks of code."""
    return FENCED.sub("", page.read_text(encoding="utf-8"))


@cache
def list_anchors(page: Path) -> set[str]:
    """Return the anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", read(page), re.MULTILINE)
    texts = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-") for text in texts}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(page: str):
    broken = []
    for link in LINK.findall(read(ROOT / page)):
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        is_there = target.exists() and (not anchor or anchor in list_anchors(target.resolve()))
        broken += [] if is_there else [link]

    assert broken == []


def test_every_page_is_in_the_navigation_of_the_site():
    text = re.sub(r"!!python\S+", "", (ROOT / "mkdocs.yml").read_text())
    groups = yaml.safe_load(text)["nav"]
    pages = [page for group in groups for part in group.values() for page in flatten(part)]

    made = {"index.md", "commands.md", "options.md"}
    written = {path.name for path in (ROOT / "docs").glob("*.md")}
    assert sorted(pages) == sorted(made | written)


def flatten(part):
    return [part] if isinstance(part, str) else [page for one in part for page in one.values()]
