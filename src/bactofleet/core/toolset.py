"""The tools of the field that make a genome, as toolset.toml describes each of them once."""

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
    """One of them; toolset.toml says what its fields mean."""

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
        """The words of the command that tells its version."""
        return shlex.split(self.ask)

    @property
    def needed(self) -> list[str]:
        """The programs that have to be on PATH when it is needed."""
        return list(self.programs) or self.command[:1]


@cache
def load_tools() -> dict[str, Tool]:
    """Return the tools by their names."""
    text = (files("bactofleet.core") / "toolset.toml").read_text(encoding="utf-8")
    return {name: Tool(name, **entry) for name, entry in tomllib.loads(text).items()}


def needed_programs(options: Mapping[str, Any]) -> set[str]:
    """Return the programs that a run with these options needs on PATH.

    `providers` are those that the run asks, none where it has no accessions.
    """
    choices = {ALWAYS: True, **options}
    return {
        program
        for tool in load_tools().values()
        if any(_holds(condition, choices) for condition in tool.when)
        for program in tool.needed
    }


def without_ending(program: str) -> str:
    """Return a program's name without the ending that Debian gives it: `spades` of `spades.py`."""
    return PurePath(program).stem


def _holds(condition: str, choices: Mapping[str, Any]) -> bool:
    name, _, value = condition.partition("=")
    given = choices.get(name)
    if not value:
        return bool(given)
    return value in given if isinstance(given, list) else bool(value == given)
