"""The bioinformatics tools that make a genome, as described in toolset.toml."""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import PurePath
from typing import Any

ALWAYS = "always"


@dataclass(frozen=True)
class Tool:
    """One tool; toolset.toml explains the fields."""

    name: str
    """As receipts call it."""
    title: str
    stages: Sequence[str]
    url: str
    ask: str = ""
    version: str = ""
    package: str = ""
    why: str = ""
    when: Sequence[str] = ()
    programs: Sequence[str] = ()
    references: Sequence[str] = ()

    @property
    def command(self) -> list[str]:
        """The words of the command that prints its version."""
        return shlex.split(self.ask)

    @property
    def needed(self) -> list[str]:
        """The programs that must be on PATH when the tool is needed."""
        return list(self.programs) or self.command[:1]


@cache
def load_tools() -> dict[str, Tool]:
    """Return the tools by name."""
    text = (files("bactofleet.core") / "toolset.toml").read_text(encoding="utf-8")
    return {name: Tool(name, **entry) for name, entry in tomllib.loads(text).items()}


def needed_programs(options: Mapping[str, Any]) -> set[str]:
    """Return the programs that a run with these options needs on PATH.

    `providers` are the archives that the run uses; none if it has no accessions. `long_reads` says
    whether the sheet has any.
    """
    choices = {ALWAYS: True, **options}
    return {
        program
        for tool in load_tools().values()
        if any(_holds(condition, choices) for condition in tool.when)
        for program in tool.needed
    }


def without_ending(program: str) -> str:
    """Return a program's name without its file extension: `spades` for `spades.py`."""
    return PurePath(program).stem


def _holds(condition: str, choices: Mapping[str, Any]) -> bool:
    name, _, value = condition.partition("=")
    given = choices.get(name)
    if not value:
        return bool(given)
    return value in given if isinstance(given, list) else bool(value == given)
