"""Ask the user before something is changed."""

from __future__ import annotations

import sys


def confirm(question: str, *, yes: bool) -> bool:
    """Ask the user a question; return True without asking if `yes` is set."""
    if yes:
        return True
    if not sys.stdin.isatty():
        print(f"{question} Nobody can answer here; give --yes.")
        return False
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
