"""Options on a command line: each is one word, `name=value`."""

from __future__ import annotations

import json
from typing import Any


def to_word(name: str, value: Any) -> str:
    """Return an option as a word: plain text unchanged; other values and ambiguous text as JSON."""
    if isinstance(value, str) and ("{" in value or _is_json(value)):
        # Snakemake would read braces as wildcards.
        value = json.dumps(value).replace("{", r"\u007b").replace("}", r"\u007d")
        return f"{name}={value}"
    return f"{name}={value if isinstance(value, str) else json.dumps(value)}"


def from_word(word: str) -> tuple[str, Any]:
    """Return name and value of an option that `to_word` wrote.

    Raises `ValueError` if a word is not an option.
    """
    name, is_option, text = word.partition("=")
    if not (name and is_option):
        raise ValueError(f"{word!r} is no option; options are name=value")
    return name, json.loads(text) if _is_json(text) else text


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
