"""The hooks of this workflow where it is a module of another one.

Snakemake 9.27 calls the hooks of the main workflow alone (`Workflow.onstart`). No run may go
without ours: the start locks the results and writes the samples that jobs read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Hook = Callable[[Any], object]
# An attribute of the workflow: each `use rule` statement reads the module again.
_ADDED = "_bactofleet_hooks"


def add_hooks(workflow: Any, **hooks: Hook) -> None:
    """Call hooks (`onstart`, `onerror`) before those that the main workflow has or will define.

    Each takes the path of Snakemake's log. Does nothing the second time.
    """
    if not hasattr(workflow, _ADDED):
        setattr(workflow, _ADDED, hooks)
        for name, hook in hooks.items():
            _add_hook(workflow, name, hook)


def _add_hook(workflow: Any, name: str, hook: Hook) -> None:
    place, register = f"_{name}", getattr(workflow, name)

    def chain() -> None:
        given = getattr(workflow, place)
        setattr(workflow, place, lambda log: (hook(log), given(log)))

    def register_behind(given: Hook) -> None:
        register(given)
        if workflow.modifier.is_main_snakefile():
            chain()

    chain()
    setattr(workflow, name, register_behind)
