"""One stage of one genome: its folder, its record, and how it ends.

A stage writes one folder, `scratch/<sample>/<stage>/`:

    stage.json   what the stage found and made (`StageRecord`), written last
    publish/     files of the result, laid out as in the tarball (Bactopia's layout)
    ... folders of files that only later stages need, named in the stage's rule

A stage that finds its genome unusable (`Excluded`) writes Bactopia's error file and a record that
says so, which the later stages pass on. A stage that fails writes only `<failures>/<sample>.json`;
its exit status says whether another attempt may help.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import re
import resource
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from bactofleet import __version__
from bactofleet.core.confine import confine
from bactofleet.core.errors import (
    RETRYABLE_EXIT_CODES,
    Excluded,
    MissingInput,
    OutOfMemory,
    StageFailure,
    TemporaryFailure,
    ToolFailure,
)
from bactofleet.core.files import fingerprint, read_json, sha256_of, write_json
from bactofleet.core.identity import read_identity
from bactofleet.core.image import CALLER_VERSION, find_mismatch
from bactofleet.core.options import from_word
from bactofleet.core.references import is_address, local_place
from bactofleet.core.text import clean_lines
from bactofleet.core.tools import Stopwatch, Toolbox
from bactofleet.core.versions import get_versions
from bactofleet.records.failure import (
    Failure,
    forget_failure,
    log_of,
    read_failure,
    write_failure,
)
from bactofleet.records.reading import Unreadable
from snakemake_executor_plugin_aws_batch_array import api

RECORD = "stage.json"
PUBLISH = "publish"
WORK = "work"
# Folders that stages leave for later ones: FASTQ, a given FASTA, contigs.
READS, ASSEMBLY, CONTIGS = "reads", "assembly", "contigs"
# Where each stage's results are in Bactopia's layout.
BACTOPIA_FOLDERS = {
    "download": "main/gather",
    "qc": "main/qc",
    "assembly": "main/assembler",
    "typing": "main/sketcher",
    "annotation": "main/annotator/prokka",
}
STAGES = (*BACTOPIA_FOLDERS, PUBLISH)
# Those that fetch or send nothing: they and their tools get no network and no credentials.
OFFLINE = ("qc", "assembly", "typing", "annotation")
LOG_TAIL_LINES = 15
PLAIN_PATH = re.compile(r"[A-Za-z0-9_./+-]+")


@dataclass
class StageRecord:
    """What a stage records for the next stage and for the receipt."""

    sample: str
    stage: str
    excluded: dict[str, str] | None = None
    """Why the genome is excluded: `type`, `stage`, `message`."""
    identity: dict[str, Any] | None = None
    """The genome's identity (core/identity.py), as found by the first stage."""
    input: dict[str, Any] = field(default_factory=dict)
    """What the genome is made from: kind, runtype, sources, species, genome size."""
    found: dict[str, Any] | None = None
    """Which species the genome is: `Found` of the receipt."""
    resistance: dict[str, Any] | None = None
    """Its resistance genes, mutations and plasmids: `Resistance` of the receipt."""
    amrfinder: dict[str, Any] | None = None
    """What AMRFinderPlus found: `Amrfinder` of the receipt."""
    mlst: dict[str, Any] | None = None
    """Its sequence type: `Mlst` of the receipt."""
    metrics: dict[str, float | int] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    usage: dict[str, float] = field(default_factory=dict)
    """Wall `seconds`, `cpu_seconds`, and `max_rss_mb` of the largest process."""
    multiqc: dict[str, Any] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Bytes and SHA-256 of each file of the folder, for the staging check."""


def read_record(folder: Path) -> StageRecord:
    """Read the record of a finished stage."""
    return StageRecord(**read_json(folder / RECORD))


def check_staging(inputs: Sequence[Path]) -> None:
    """Verify that a stage's inputs are here, complete and readable: records and their folders.

    Raises `TemporaryFailure` with the file and what is wrong with it. A file that differs from its
    record was damaged or lost on the way and can be made again. Folders that are not inputs do not
    matter: Snakemake removes each after its last reader.
    """
    for folder in _folders_of(inputs):
        _check_folder(folder, {path.name for path in inputs if path.parent == folder})


def _check_folder(folder: Path, names: set[str]) -> None:
    try:
        record = read_record(folder)
    except (OSError, ValueError, TypeError) as error:
        raise TemporaryFailure(f"{folder / RECORD} cannot be read: {error}") from error
    for name, expected in record.files.items():
        if name.partition("/")[0] in names:
            _check_file(folder / name, expected)


def _check_file(path: Path, expected: dict[str, Any]) -> None:
    try:
        size = path.stat().st_size
        if size != expected["bytes"]:
            raise TemporaryFailure(f"{path} has {size:,} bytes, not {expected['bytes']:,}")
        if sha256_of(path) != expected["sha256"]:
            raise TemporaryFailure(f"{path} does not have the checksum that was recorded")
    except OSError as error:
        raise TemporaryFailure(f"{path} cannot be read to its end: {error.strerror}") from error


@dataclass
class Stage:
    """What a stage's function works with."""

    name: str
    sample: str
    folder: Path
    work: Path
    """Folder for temporary files; removed at the end."""
    identity: str
    """Checksum of what this run makes the genome from (`Identity.key`)."""
    inputs: dict[str, Path]
    """Folders of earlier stages, by the stage's name."""
    parameters: dict[str, Any]
    threads: int
    mem_mb: int
    tools: Toolbox
    record: StageRecord
    watch: Stopwatch = field(default_factory=Stopwatch)

    @property
    def memory_gb(self) -> int:
        """Memory for a tool, in whole gigabytes; 1 GB is left for the rest."""
        return max(1, self.mem_mb // 1000 - 1)

    @property
    def scratch(self) -> Path:
        """The folder in which all genomes of a results folder are made."""
        # The genome's folder may be a link (`_plain_path`).
        return self.folder.parent.resolve().parent

    def tool_options(self, option: str) -> list[str]:
        """Return the words of the user's own options of a tool (core/tool_options.py)."""
        return (self.parameters[option] or "").split()

    def find_reference(self, option: str) -> Path:
        """Return the file or folder that an option names; tools run in another folder than this.

        Raises `MissingInput` if what the download stage fetched has been removed.
        """
        given = str(self.parameters[option])
        place = local_place(given, self.scratch).absolute()
        if is_address(given) and not place.exists():
            raise MissingInput(
                f"{option}: {place} was removed; remove {self.folder.parent.resolve()} too, and "
                "start again to fetch it"
            )
        return place

    def publish(self, name: str, folder: str = "") -> Path:
        """Return the path of a result file: in the stage's folder of Bactopia's, or in another."""
        path = self.folder / PUBLISH / (folder or BACTOPIA_FOLDERS[self.name]) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def usage_so_far(self) -> dict[str, float]:
        """Return the stage's `seconds`, `cpu_seconds` and `max_rss_mb` (largest process, MB)."""
        own = resource.getrusage(resource.RUSAGE_SELF)
        tools = self.tools.usage
        return {
            "seconds": round(self.watch.seconds, 2),
            "cpu_seconds": round(tools.cpu_seconds + own.ru_utime + own.ru_stime, 2),
            "max_rss_mb": round(max(tools.max_rss_mb, own.ru_maxrss / 1024), 1),
        }

    def use(self, *tools: str) -> None:
        """Record the versions of the tools that this stage uses."""
        versions = get_versions()
        self.record.versions |= {tool: versions.get(tool, "unknown") for tool in tools}


StageFunction = Callable[[Stage], None]
InputCheck = Callable[[Sequence[Path]], None]
"""Takes outputs of earlier stages; raises `TemporaryFailure` if one is not complete."""


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the arguments that every stage takes."""
    parser = argparse.ArgumentParser(description="Run one stage of one genome.")
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--sample", required=True)
    parser.add_argument("--inputs", type=Path, nargs="*", default=[], help="outputs of stages")
    parser.add_argument("--outputs", type=Path, nargs="+", required=True, help="the record first")
    parser.add_argument("--options", type=from_word, nargs="*", default=[], help="name=value")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--mem-mb", type=int, required=True)
    parser.add_argument("--attempt", type=int, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--failures", type=Path, required=True, help="folder for failures")
    return parser.parse_args(argv)


def run_command(check_inputs: InputCheck, argv: list[str] | None = None) -> int:
    """Run the stage named in the arguments, after checking its inputs.

    Returns its exit status.
    """
    args = parse_arguments(argv)
    notes = _confine(args) if args.stage in OFFLINE else []
    # A process needs only one of the stages' modules.
    function = importlib.import_module(f"bactofleet.genome.{args.stage}").run
    return run_stage(function, args, check_inputs, notes)


def _confine(args: argparse.Namespace) -> list[str]:
    """Limit this process and its tools to their genome's folder, its logs and its failure.

    Returns what this machine lacks for it.
    """
    folders = (args.outputs[0].parent.parent, args.log.parent, args.failures)
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    files = [os.environ[name] for name in (api.EXIT_CODE_FILE,) if name in os.environ]
    temporary = (Path(tempfile.gettempdir()), Path("/dev"), *(Path(name).parent for name in files))
    credentials = os.environ.get("AWS_SHARED_CREDENTIALS_FILE")
    return confine((*folders, *temporary), [Path(credentials)] if credentials else [])


def run_stage(
    function: StageFunction,
    args: argparse.Namespace,
    check_inputs: InputCheck,
    notes: Sequence[str] = (),
) -> int:
    """Check the inputs of a stage, then do its work; return its exit status.

    `notes` begin its log.
    """

    def work(log: IO[str]) -> None:
        log.writelines(f"NOTE: {note}\n" for note in notes)
        if mismatch := find_mismatch(__version__, os.environ.get(CALLER_VERSION)):
            raise ToolFailure(mismatch)
        check_inputs(args.inputs)
        _run(function, args, log)

    status = _repeated_failure(args) or _guard(args, work)
    if status == 0:
        # The failure of an earlier attempt is no longer true.
        forget_failure(args.failures, args.sample)
    return status


def _repeated_failure(args: argparse.Namespace) -> int:
    """Return the exit status of an earlier attempt if it was final, else 0.

    Snakemake's `retries` repeats every failed job. A tool that failed would fail again after the
    same number of hours, so only failures of the infrastructure deserve another attempt. If a
    genome's stages are one job (Slurm), another attempt begins before the stage that failed.
    """
    try:
        failure = read_failure(args.failures, args.sample)
    except (FileNotFoundError, Unreadable):
        return 0
    is_later = failure.attempt is not None and args.attempt > failure.attempt
    if not is_later or failure.exit_code is None or failure.exit_code in RETRYABLE_EXIT_CODES:
        return 0
    # Snakemake removes the log before each attempt.
    shutil.copyfile(log_of(args.failures, args.sample), failure.log)
    return failure.exit_code


def _run(function: StageFunction, args: argparse.Namespace, log: IO[str]) -> None:
    folder: Path = args.outputs[0].parent
    shutil.rmtree(folder, ignore_errors=True)
    (folder / WORK).mkdir(parents=True)
    for path in args.outputs[1:]:
        # Snakemake requires all of them, even if an excluded genome leaves them empty.
        if path.parent == folder:
            path.mkdir()
    with _plain_path(folder.parent.absolute()) as genome:
        record = _work_in(genome, function, args, log)
    record.files = _list_files(folder)
    write_json(folder / RECORD, asdict(record))


@contextmanager
def _plain_path(folder: Path) -> Iterator[Path]:
    """Yield a path of the folder that every tool reads as one word, through a link if needed.

    Tools split names at spaces (makeblastdb) or commas (SKESA), even if they are quoted.
    """
    if PLAIN_PATH.fullmatch(str(folder)):
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="bactofleet-") as place:
        link = Path(place) / folder.name
        link.symlink_to(folder)
        yield link


def _work_in(
    genome: Path, function: StageFunction, args: argparse.Namespace, log: IO[str]
) -> StageRecord:
    """Run a stage in the folder of its genome; return its record without the list of files."""
    parameters = dict(args.options)
    record = StageRecord(sample=args.sample, stage=args.stage)
    folder = genome / args.outputs[0].parent.name
    stage = Stage(
        name=args.stage,
        sample=args.sample,
        folder=folder,
        work=folder / WORK,
        identity=parameters.pop("identity"),
        inputs={path.name: genome / path.name for path in _folders_of(args.inputs)},
        parameters=parameters,
        threads=args.threads,
        mem_mb=args.mem_mb,
        tools=Toolbox(folder / WORK, log),
        record=record,
    )
    try:
        earlier = {path: read_record(path) for path in stage.inputs.values()}
        record.identity = _find_identity(stage, earlier)
        record.excluded = next((one.excluded for one in earlier.values() if one.excluded), None)
        # Publishing is the only stage that also runs for an excluded genome.
        if not record.excluded or args.stage not in BACTOPIA_FOLDERS:
            function(stage)
    except Excluded as reason:
        _exclude(stage, reason, log)
    finally:
        shutil.rmtree(stage.work)
    record.usage = stage.usage_so_far()
    return record


def _folders_of(files: Sequence[Path]) -> list[Path]:
    """Return the folders of the stages that these paths belong to, each once."""
    return list(dict.fromkeys(path.parent for path in files))


def _find_identity(stage: Stage, earlier: dict[Path, StageRecord]) -> dict[str, Any] | None:
    """Return the identity that the earlier stages were made from; None if there are none.

    Raises `TemporaryFailure` if it differs from the genome of this run, or from this image: the
    next start makes such a genome again.
    """
    image = fingerprint(get_versions()) if earlier else None
    for folder, record in earlier.items():
        identity = read_identity(record.identity)
        if identity is None or identity.key() != stage.identity:
            raise TemporaryFailure(f"{folder} was made of other input or with other settings")
        if identity.image != image:
            raise TemporaryFailure(f"{folder} was made in another image; start the run again")
    return next((record.identity for record in earlier.values()), None)


def _exclude(stage: Stage, reason: Excluded, log: IO[str]) -> None:
    message = f"{stage.sample} was excluded at {stage.name}: {reason.message}."
    print(message, file=log)
    stage.record.excluded = {
        "type": reason.kind,
        "stage": stage.name,
        "message": reason.message,
    }
    # Bactopia's parser of these files takes the first hyphen as the end of the sample's name.
    name = stage.sample.replace("-", "_")
    stage.publish(f"{name}-{reason.kind}-error.txt").write_text(message + "\n")


def _list_files(folder: Path) -> dict[str, dict[str, Any]]:
    return {
        str(path.relative_to(folder)): {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def _guard(args: argparse.Namespace, work: Callable[[IO[str]], object]) -> int:
    """Run a stage with its log; turn any error into a failure that the user can act on."""
    try:
        args.log.parent.mkdir(parents=True, exist_ok=True)
        with args.log.open("w", encoding="utf-8", buffering=1) as log, _logged_failure(args, log):
            work(log)
    except Exception as error:  # the last place to record a reason
        failure = _classify(error)
    else:
        return 0
    # On a full disk the record may fail too; the exit status still says what happened.
    with suppress(OSError):
        _record_failure(args, failure)
    return failure.exit_code


@contextmanager
def _logged_failure(args: argparse.Namespace, log: IO[str]) -> Iterator[None]:
    """Write a stage's error to its log; if the disk is full, that error is raised instead."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, StageFailure):
            traceback.print_exc(file=log)
        log.write(f"{args.sample} failed at {args.stage}: {_classify(error)}\n")
        raise


def _classify(error: Exception) -> StageFailure:
    match error:
        case StageFailure():
            return error
        case MemoryError():
            return OutOfMemory("bactofleet itself ran out of memory")
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return TemporaryFailure(f"the disk is full: {error.filename or error.strerror}")
        case OSError():
            return TemporaryFailure(f"{type(error).__name__}: {error}")
        case _:
            return ToolFailure(f"{type(error).__name__}: {error}")


def _record_failure(args: argparse.Namespace, failure: StageFailure) -> None:
    if path := os.environ.get(api.EXIT_CODE_FILE):
        Path(path).write_text(f"{failure.exit_code}\n{args.stage}: {failure}\n")
    tail = args.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL_LINES:]
    record = Failure(
        sample=args.sample,
        stage=args.stage,
        exit_code=failure.exit_code,
        kind=failure.kind,
        message=str(failure),
        attempt=args.attempt,
        log=str(args.log),
        tail=tuple(tail),
    )
    print(clean_lines("\n".join(tail)), file=sys.stderr)
    args.failures.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(args.log, log_of(args.failures, args.sample))
    write_failure(args.failures, record)
