"""The pages: what they name is there, and what they quote is code."""

import inspect
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from spikeline import quant

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def tokens(page: Path) -> Iterator[Token]:
    """Read a page: its blocks, each followed by what stands in it."""
    for token in MarkdownIt("gfm-like", {"linkify": False}).parse(page.read_text("utf-8")):
        yield token
        yield from token.children or ()


def anchors(page: Path) -> set[str]:
    """Give the anchors of a page, as GitHub makes them of its headings."""
    found = list(tokens(page))
    made: list[str] = []
    for at, token in enumerate(found):
        if token.type == "heading_open":
            words = "".join(x.content for x in found[at + 1].children or ())
            word = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            same = sum(re.fullmatch(rf"{word}(-\d+)?", x) is not None for x in made)
            made.append(f"{word}-{same}" if same else word)
    return set(made)


@by_page
def test_python_on_a_page_compiles(page: Path) -> None:
    """What a page shows as Python is Python."""
    for token in tokens(page):
        if token.type == "fence" and token.info.split()[:1] in (["python"], ["py"]):
            assert token.map is not None
            # Line numbers of an error are those of the page.
            compile("\n" * (token.map[0] + 1) + token.content, str(page), "exec")


@by_page
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    """A link that is no address leads to a file, or a heading, that is there."""
    lost = []
    for token in tokens(page):
        link = str(token.attrs.get("href") or token.attrs.get("src") or "")
        to = urlsplit(link)
        if not link or to.scheme:
            continue
        file = (page.parent / unquote(to.path)).resolve() if to.path else page
        if not file.exists() or (to.fragment and to.fragment not in anchors(file)):
            lost.append(link)
    assert lost == []


def test_api_page_is_what_the_docstrings_say() -> None:
    """docs/api.md is what `make docs` writes."""
    written = runpy.run_path(str(ROOT / "docs" / "make_api.py"))["page"]()
    assert (ROOT / "docs" / "api.md").read_text("utf-8") == written, "run make docs"


def test_parameters_that_docstrings_tell_are_taken() -> None:
    """Every parameter that the page explains is one of what it explains."""
    api = runpy.run_path(str(ROOT / "docs" / "make_api.py"))
    told, wrong = 0, []
    for path, members in (item for section in api["PAGE"].values() for item in section.items()):
        value = api["found"](path)
        for of in (value, *(getattr(value, member) for member in members)):
            for names, *_ in api["sections"](of).get("parameters", ()):
                takes = inspect.signature(of).parameters
                told += 1
                wrong += [f"{path} {x}" for x in names.split(", ") if x.lstrip("*") not in takes]
    assert told > 100 and wrong == []


def test_api_page_names_all_of_quant() -> None:
    """Whatever `spikeline.quant` offers has a heading of its own."""
    text = (ROOT / "docs" / "api.md").read_text("utf-8")
    assert [name for name in quant.__all__ if f"\n### q.{name}\n" not in text] == []
