"""What decides the result of a job, as one digest: equal digests give equal results.

Differences between starts that change no result are left out: the order of a set, the address of an
object, the value of a token, documents, options for display and resources.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

from snakemake.common.configfile import load_configfile
from snakemake.sourcecache import LocalSourceFile

# Read by people, not by rules.
_DOCUMENTS = re.compile(r".*\.(md|rst)|(readme|license|changelog|notes|todo)(\..*)?", re.IGNORECASE)
# In a repository's other folders, without Snakefiles, only files that a rule may run.
_CODE = frozenset({".py", ".r", ".rmd", ".ipynb", ".jl", ".pl", ".rs", ".sh", ".awk", ".smk"})
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def get_code_digest(workflow: Any, sources: Mapping[str, str], variables: Iterable[str]) -> str:
    """Digest of what all jobs of a workflow share.

    Args:
        workflow: Snakemake's workflow.
        sources: Digests of the files in the bundle, without data.
        variables: Names of the environment variables passed to jobs.
    """
    folders, configfiles = _get_source_folders(workflow), get_configfiles(workflow)
    deciding = {
        path: digest
        for path, digest in sources.items()
        if path not in configfiles and _decides(path, folders)
    }
    return get_digest(_get_configuration(workflow), sorted(variables), deciding)


def get_task_key(members: Iterable[Any], inputs: Mapping[str, str], code_digest: str) -> str:
    """Digest of a job, or of a group's members, with the files it gets and the code."""
    rules = [
        [
            member.rule.name,
            dict(member.wildcards_dict),
            list(member.non_derived_params),
            sorted(str(path) for path in member.input),
            sorted(str(path) for path in member.output),
        ]
        for member in members
    ]
    return get_digest(sorted(rules, key=_format), inputs, code_digest)[:32]


def _get_configuration(workflow: Any) -> list[Any]:
    """The configuration as given, and the options that change what rules do."""
    return [
        # For a remote Snakefile, its address, which contains the version.
        [str(s) for s in workflow.included if not isinstance(s, LocalSourceFile)],
        [load_configfile(path) for path in workflow.configfiles],
        workflow.config_settings.overwrite_config,
        workflow.resource_settings.overwrite_scatter,
        workflow.workflow_settings.wrapper_prefix,
        {str(method) for method in workflow.deployment_settings.deployment_method},
    ]


def get_configfiles(workflow: Any) -> set[str]:
    """Configuration files, relative to the working directory."""
    return {os.path.relpath(path) for path in workflow.configfiles}


def get_file_digest(path: str) -> str:
    """SHA-256 of a file's content."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _get_source_folders(workflow: Any) -> set[PurePath]:
    """Folders of Snakefiles, without the working directory itself."""
    paths = (
        source.get_path_or_uri(secret_free=True)
        for source in workflow.included
        if isinstance(source, LocalSourceFile)
    )
    included = {PurePath(os.path.relpath(path)).parent for path in paths}
    return {folder for folder in included if folder.parts} | {PurePath("workflow")}


def _decides(path: str, folders: set[PurePath]) -> bool:
    name = PurePath(path)
    if _DOCUMENTS.fullmatch(name.name):
        return False
    is_beside = any(folder in name.parents for folder in folders)
    is_code = name.suffix.lower() in _CODE or name.name == "Snakefile"
    return is_beside or is_code or os.access(path, os.X_OK)


def get_digest(*content: Any) -> str:
    """SHA-256 of values that JSON supports, and of sets."""
    return hashlib.sha256(_format(content).encode()).hexdigest()


def _format(value: Any) -> str:
    """Write a value so that equal values give equal texts in every process."""
    return json.dumps(_simplify(value), sort_keys=True)


def _simplify(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _simplify(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((_simplify(item) for item in value), key=_format)
    if isinstance(value, list | tuple):
        return [_simplify(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _ADDRESS.sub("", str(value))
