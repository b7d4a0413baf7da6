"""What to cite for a cohort: publications of the tools and archives that its receipts name.

`bactofleet.core.toolset` says which publications a tool has. citations.json holds the publications
and the entries of everything else that receipts name: providers of reads (by their names in the
configuration), packages and databases.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from bactofleet.core.toolset import load_tools
from bactofleet.core.versions import PACKAGES

if TYPE_CHECKING:
    from bactofleet.report.cohort import Cohort

# Cited for every cohort, whatever its receipts say.
ALWAYS = ("bactofleet", "shovill")
# "Petit RA III": family name, initials, and what follows them.
AUTHOR = re.compile(r"(?P<family>.+?) (?P<initials>[A-Z]{1,3})(?: (?P<suffix>I{2,3}|Jr))?")


@dataclass(frozen=True)
class Reference:
    """A publication; `where` is volume, issue and pages, or their equivalent."""

    key: str
    authors: str
    title: str
    journal: str
    year: int
    where: str
    url: str

    @property
    def text(self) -> str:
        """Return the entry for a list of references, without the URL."""
        return f"{self.authors} ({self.year}). {self.title}. {self.journal} {self.where}"


@dataclass(frozen=True)
class Citation:
    """A tool, the versions that were used, and what to cite: publications, or only its web page."""

    tool: str
    versions: tuple[str, ...]
    url: str
    references: tuple[Reference, ...]
    note: str = ""

    @property
    def heading(self) -> str:
        """Tool, versions and note in one line."""
        name = " ".join([self.tool, ", ".join(self.versions)]).strip()
        return f"{name} ({self.note})" if self.note else name


def cite_cohort(cohort: Cohort) -> list[Citation]:
    """Return what to cite for a cohort, sorted by tool.

    Unknown tools are left out, because receipts are not trusted.
    """
    used: dict[str, set[str]] = {name: set() for name in ALWAYS}
    used |= {package: {metadata.version(package)} for package in PACKAGES}
    for tool, version in cohort.versions:
        used.setdefault(tool, set()).add(version)
    for file in cohort.inputs:
        used.setdefault(file.provider, set())
    return cite(used)


def cite(used: Mapping[str, Iterable[str]]) -> list[Citation]:
    """Return the citations of the known tools in `used`, which maps tools to versions."""
    known, references = _load()
    return [
        Citation(
            tool=name,
            versions=tuple(sorted(used[name])),
            url=known[name]["url"],
            references=tuple(references[key] for key in known[name]["references"]),
            note=known[name].get("note", ""),
        )
        for name in sorted(used.keys() & known.keys())
    ]


def known_tools() -> set[str]:
    """Return the names that have an entry."""
    return set(_load()[0])


def to_text(citations: Iterable[Citation]) -> str:
    """Return the citations as text, one paragraph per tool."""
    lines = []
    for citation in citations:
        lines.append(citation.heading)
        lines += [f"    {item.text}. {item.url}" for item in citation.references]
        lines += [] if citation.references else [f"    {citation.url}"]
    return "\n".join(lines) + "\n"


def to_bibtex(citations: Iterable[Citation]) -> str:
    """Return the citations as BibTeX, each once; a tool without a publication as its web page.

    https://www.ctan.org/pkg/bibtex ("BibTeXing", O. Patashnik, 1988)
    """
    tools: dict[Reference, list[Citation]] = {}
    entries = []
    for citation in citations:
        for reference in citation.references:
            tools.setdefault(reference, []).append(citation)
        if not citation.references:
            fields = {"title": citation.tool, "url": citation.url}
            entries.append(_entry("misc", citation.tool, fields, [citation]))
    for reference, used_by in tools.items():
        entries.append(_entry("article", reference.key, _fields(reference), used_by))
    return "\n".join(sorted(entries))


def _fields(reference: Reference) -> dict[str, str]:
    authors = " and ".join(_author(name) for name in reference.authors.split(", "))
    volume, _, pages = reference.where.partition(":")
    return {
        "author": authors,
        "title": reference.title,
        "journal": reference.journal,
        "year": str(reference.year),
        "volume": volume,
        "pages": pages,
        "url": reference.url,
    }


def _author(name: str) -> str:
    """Turn "Petit RA III" into "Petit, III, RA"; the name of a group stays in one piece."""
    person = AUTHOR.fullmatch(name)
    if not person:
        return f"{{{name}}}"
    return ", ".join(filter(None, [person["family"], person["suffix"], person["initials"]]))


def _entry(kind: str, key: str, fields: dict[str, str], used_by: Iterable[Citation]) -> str:
    """Return an entry; protect capitals in the title, and escape the untrusted versions."""
    note = "; ".join(citation.heading for citation in used_by)
    safe = re.sub(r"[\\{}]", "", note)
    fields = fields | {
        "title": f"{{{fields['title']}}}",
        "note": re.sub(r"([&%$#_])", r"\\\1", safe),
    }
    lines = [f"  {name} = {{{text}}}" for name, text in fields.items() if text]
    return f"@{kind}{{{key},\n" + ",\n".join(lines) + "\n}\n"


@cache
def _load() -> tuple[dict[str, dict[str, Any]], dict[str, Reference]]:
    text = (files("bactofleet.report.provenance") / "citations.json").read_text(encoding="utf-8")
    data = json.loads(text)
    references = {key: Reference(key, **fields) for key, fields in data["references"].items()}
    tools = {
        name: {"url": tool.url, "references": tool.references}
        for name, tool in load_tools().items()
    }
    return tools | data["sources"], references
