"""The bundle: all that a child needs to know about the workflow, in one S3 object."""

import hashlib
import io
import json
import os
import shlex
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from snakemake.sourcecache import LocalSourceFile
from snakemake.spawn_jobs import SpawnedJobArgsFactory
from snakemake_interface_common.exceptions import WorkflowError

from .digest import get_code_digest, get_configfiles, get_digest, get_file_digest
from .names import NAMES_FILE, list_names
from .secret_files import is_secret

# Member that says how Snakemake is called; no file of a workflow has this name.
RUN_FILE = ".aws-batch-array.json"
# The child's file with the values of --config.
CONFIG_FILE = ".aws-batch-array-config.json"
# As in Workflow.write_source_archive: a git repository may have large files that no rule reads.
MAX_TRACKED_BYTES = 10_000_000
# Name of the bundle's digest in the metadata of its object.
DIGEST = "digest"


class Member(NamedTuple):
    """A file: its modification time (ns since the epoch) and the SHA-256 of its content."""

    changed: int
    digest: str


@dataclass(frozen=True)
class Bundle:
    """A gzipped tar archive and its contents.

    Attributes:
        content: The archive.
        code_digest: Digest of what decides the results: sources, configuration, options.
        digest: Digest of that and of the data.
        members: The files in the archive.
        withheld: Sources that are not in it, because they may hold secrets.
    """

    content: bytes
    code_digest: str
    digest: str
    members: dict[str, Member]
    withheld: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """SHA-256 of the archive, by which a child recognizes it."""
        return hashlib.sha256(self.content).hexdigest()

    def get_input_version(self, path: str) -> str:
        """Identify an input by its content, or by size and time if it may be large."""
        if self._has(path):
            return self.members[path].digest
        files = sorted(Path(path).rglob("*")) if Path(path).is_dir() else [Path(path)]
        return get_digest([[str(f), f.stat().st_size, f.stat().st_mtime_ns] for f in files])

    def get_missing(self, paths: Iterable[str]) -> list[str]:
        """Return the files that are not in it in their current state and so must be sent."""
        return sorted(path for path in paths if not self._has(path))

    def _has(self, path: str) -> bool:
        return path in self.members and self.members[path].changed == Path(path).stat().st_mtime_ns


def build_bundle(workflow: Any, common_arguments: list[str], environment: dict[str, str]) -> Bundle:
    """Pack sources, configuration and the files that the configuration names.

    A file named in the configuration (a sample sheet) is data, even if git tracks it: it is packed,
    but is not part of the code digest, so that a longer sheet does not change the results of
    earlier genomes. A file that holds secrets by its name (`.env`, a private key) is withheld.

    Raises:
        WorkflowError: a source is outside the working directory.
    """
    data = set(_iter_configured_files(workflow.config))
    sources = set(_iter_sources(workflow)) - data
    withheld = set(filter(is_secret, sources | data))
    data, sources = data - withheld, sources - withheld
    members = {path: _describe(path) for path in sorted(sources | data)}
    digests = {path: member.digest for path, member in members.items()}
    run = json.dumps(
        {
            "arguments": common_arguments,
            "environment": environment,
            "config": dict(workflow.config_settings.config),
        },
        sort_keys=True,
    )
    code_digest = get_code_digest(workflow, {path: digests[path] for path in sources}, environment)
    data_digest = get_digest(code_digest, {path: digests[path] for path in data})
    content = _pack(list(members), run, list_names(workflow, sorted(sources)))
    return Bundle(content, code_digest, data_digest, members, tuple(sorted(withheld)))


def _describe(path: str) -> Member:
    return Member(Path(path).stat().st_mtime_ns, get_file_digest(path))


def get_common_arguments(workflow: Any, snakefile: str, settings: Any) -> list[str]:
    """The part of the inner command line that all jobs share, as a list of words.

    Args:
        workflow: Snakemake's workflow.
        snakefile: Path relative to the working directory.
        settings: CommonSettings of the plugin.
    """
    factory = SpawnedJobArgsFactory(_WithoutConfig(workflow))
    words = shlex.split(factory.general_args(settings))
    configfiles = [os.path.relpath(path) for path in workflow.overwrite_configfiles]
    if workflow.config_settings.config:
        configfiles.append(CONFIG_FILE)
    if configfiles:
        words += ["--configfile", *configfiles]
    if workflow.config_settings.replace_workflow_config:
        words.append("--replace-workflow-config")
    if workflow.execution_settings.keep_going:
        # This also applies to a group of several genomes, where the inner Snakemake goes on.
        words.append("--keep-going")
    if "--directory" in words:  # of this machine; the child's is where the bundle is unpacked
        position = words.index("--directory")
        del words[position : position + 2]
    return ["--snakefile", snakefile, *words, "--mode", "remote", "--show-failed-logs"]


class _WithoutConfig:
    """A workflow without the values of --config, which Snakemake does not quote correctly.

    They travel in the bundle and become the last configuration file.
    """

    config_settings = SimpleNamespace(config_args=None)
    overwrite_configfiles = ()

    def __init__(self, workflow: Any) -> None:
        self._workflow = workflow

    def __getattr__(self, name: str) -> Any:
        return getattr(self._workflow, name)


def _iter_sources(workflow: Any) -> Iterator[str]:
    """The sources that Snakemake knows (from git), or the standard folder without git.

    https://snakemake.readthedocs.io/en/stable/snakefiles/deployment.html
    """
    needed = get_configfiles(workflow)
    folder = {str(path) for path in Path("workflow").rglob("*") if "__pycache__" not in path.parts}
    known = _get_known(workflow) | folder | set(_iter_read(workflow.sourcecache))
    for path in _iter_linked(known):
        if path.startswith(".."):
            raise WorkflowError(
                f"the source {path!r} is outside the working directory; start Snakemake in a "
                "folder that holds the Snakefile and all that it includes"
            )
        size = Path(path).stat().st_size if Path(path).is_file() else None
        if size is not None and (size <= MAX_TRACKED_BYTES or path in needed):
            yield path


def _get_known(workflow: Any) -> set[str]:
    """Return the sources that Snakemake knows; where git is not installed, those not from git.

    Snakemake 9.27.1 expects git to be installed, though not that it is used.
    """
    if shutil.which("git"):
        return set(workflow.dag.get_sources())
    included = [file for file in workflow.included if isinstance(file, LocalSourceFile)]
    paths = [file.get_path_or_uri(secret_free=True) for file in included]
    return {os.path.relpath(path) for path in (*paths, *workflow.configfiles)}


def _iter_read(cache: Any) -> Iterator[str]:
    """Files that the workflow has read as sources, for example by `workflow.source_path`."""
    root = Path(cache.runtime_cache_path) / "file"
    for path in root.rglob("*"):
        source = os.path.relpath(f"/{path.relative_to(root)}")
        if path.is_file() and not source.startswith(".."):
            yield source


def _iter_linked(paths: Iterable[str]) -> Iterator[str]:
    """Replace links to folders, which git lists as files, by the files in the folders."""
    for path in paths:
        if not (Path(path).is_symlink() and Path(path).is_dir()):
            yield path
            continue
        seen: set[str] = set()
        for folder, folders, files in os.walk(path, followlinks=True):
            if (real := os.path.realpath(folder)) in seen:
                folders.clear()  # a link to a folder that contains it
                continue
            seen.add(real)
            yield from (f"{folder}/{name}" for name in files)


def _iter_configured_files(value: Any) -> Iterator[str]:
    """Files below the working directory with a relative path in the configuration."""
    if isinstance(value, dict):
        for item in value.values():
            yield from _iter_configured_files(item)
    elif isinstance(value, list):
        for item in value:
            yield from _iter_configured_files(item)
    elif isinstance(value, str) and _is_file_inside(value):
        yield value


def _is_file_inside(name: str) -> bool:
    path = Path(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        return False
    try:
        return path.is_file()
    except OSError:  # a long text is a value, not a path
        return False


def _pack(members: list[str], run: str, names: list[str] | None) -> bytes:
    """Pack files; replace a symbolic link by its target, which no child has."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", dereference=True) as archive:
        _add_text(archive, RUN_FILE, run)
        if names is not None:
            _add_text(archive, NAMES_FILE, "\n".join(names))
        for path in members:
            archive.add(path, recursive=False)
    return buffer.getvalue()


def _add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(text.encode())
    archive.addfile(info, io.BytesIO(text.encode()))
