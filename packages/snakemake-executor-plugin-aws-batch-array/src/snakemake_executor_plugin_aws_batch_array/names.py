"""Names: of the inputs of a job, and of the files that a Snakefile may look for."""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

# Member of the bundle; no file of a workflow has this name.
NAMES_FILE = ".aws-batch-array-names.txt"
# Folders that are never part of a workflow.
_NOT_LISTED = {".snakemake", ".git", ".aws-batch-array"}


# A file that is local to a group has the group's id in its name, and the id differs in the
# container. https://snakemake.readthedocs.io/en/stable/snakefiles/rules.html (groupid)
_GROUP_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def get_input_digest(job: Any) -> str:
    """Digest of a job and its inputs, independent of their order."""
    inputs = sorted(f.storage_object.query if f.is_storage else str(f) for f in job.input)
    content = json.dumps([job.rule.name, dict(job.wildcards_dict), inputs], sort_keys=True)
    return hashlib.sha256(_GROUP_ID.sub("", content).encode()).hexdigest()[:16]


def list_names(workflow: Any, sources: Iterable[str]) -> list[str] | None:
    """Every file and folder below the working directory, if the workflow lists files.

    Outputs of checkpoints that will run are left out, because they will change.

    Returns:
        Relative paths, or none if no source uses `glob_wildcards`.
    """
    if not any(b"glob_wildcards" in Path(source).read_bytes() for source in sources):
        return None
    coming = {
        str(f) for job in workflow.dag.needrun_jobs() if job.is_checkpoint for f in job.output
    }
    return sorted(_iter_names(coming))


def _iter_names(left_out: set[str]) -> Iterator[str]:
    for parent, folders, files in os.walk("."):
        base = os.path.normpath(parent)
        folders[:] = [
            name
            for name in folders
            if name not in _NOT_LISTED and os.path.normpath(f"{base}/{name}") not in left_out
        ]
        for name in (*folders, *files):
            path = os.path.normpath(f"{base}/{name}")
            if path not in left_out and path.isprintable():
                yield path
