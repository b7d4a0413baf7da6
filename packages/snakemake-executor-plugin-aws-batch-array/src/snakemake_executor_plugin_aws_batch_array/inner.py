"""The Snakemake of a container: `python3 -m snakemake_executor_plugin_aws_batch_array.inner`.

It is Snakemake with two differences. A container has only the files of its job, but the Snakefile
is read there again and may depend on which files exist:

- `glob_wildcards` also finds the names of the files that the controller had;
- a job does not run if its inputs differ from those on the controller. Without this check, a rule
  that joins what it finds would join nothing, and nobody would notice.
"""

import json
import os
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import snakemake.cli  # first, as its modules import each other in a circle
import snakemake.io
import snakemake.workflow
from snakemake.executors.local import Executor
from snakemake.io import glob_wildcards, is_flagged
from snakemake.jobs import Job

from .constructs import build_error
from .environment import EXIT_CODE_FILE, EXPECTED_INPUTS
from .names import NAMES_FILE, get_input_digest


def main() -> None:
    """Run Snakemake with the arguments of the command line."""
    expected = set(json.loads(Path(os.environ[EXPECTED_INPUTS]).read_text()))
    names = Path(NAMES_FILE).read_text().splitlines() if Path(NAMES_FILE).exists() else []
    _find_names(names)
    _check_inputs(expected)
    _start_through_this_module()
    snakemake.cli.main()


def _find_names(names: list[str]) -> None:
    """Let `glob_wildcards` find names as well as files."""

    def find(pattern: Any, files: Iterable[str] | None = None, followlinks: bool = False) -> Any:
        found = glob_wildcards(pattern, files, followlinks)
        if files is not None or is_flagged(pattern, "storage_object"):
            return found
        named = glob_wildcards(pattern, names)
        rows = dict.fromkeys(chain(zip(*found, strict=True), zip(*named, strict=True)))
        columns = zip(*rows, strict=True) if rows else ([] for _ in found)
        return type(found)(*map(list, columns))

    # Snakefiles see the names that snakemake.workflow has imported.
    snakemake.io.glob_wildcards = snakemake.workflow.glob_wildcards = find


def _check_inputs(expected: set[str]) -> None:
    """Let no job start whose inputs differ from those on the controller."""
    prepare = Job.prepare

    async def check_and_prepare(job: Any) -> None:
        if get_input_digest(job) not in expected:
            inputs = ", ".join(map(str, job.input)) or "none"
            error = build_error(
                job.rule,
                f"its inputs in the container are others ({inputs[:200]}) than on the controller; "
                "the Snakefile decides by files that are not inputs of the rule",
            )
            Path(os.environ[EXIT_CODE_FILE]).write_text(f"1\n{error}")
            raise error
        await prepare(job)

    Job.prepare = check_and_prepare


def _start_through_this_module() -> None:
    """Let Snakemake start itself through this module too, as it does for `run:` in a group."""
    format_job_exec = Executor.format_job_exec

    def format_inner(executor: Any, job: Any) -> str:
        command: str = format_job_exec(executor, job)
        return command.replace("-m snakemake ", f"-m {__spec__.name} ", 1)

    Executor.format_job_exec = format_inner


if __name__ == "__main__":
    main()
