"""What the Snakefile needs to know about a run: configuration, samples, plan.

Everything is checked once, in the main process. Every job reads the Snakefile again, but then only
what the job needs is read.
"""

from __future__ import annotations

import atexit
import math
import os
import sys
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import IO, Any

from snakemake.exceptions import WorkflowError

from bactofleet import __version__, report
from bactofleet.core.config import (
    CONFIG_FILE,
    check_config,
    load_schema,
    parameters_of,
    read_options,
)
from bactofleet.core.confine import find_missing
from bactofleet.core.destination import is_s3, local_folder, scratch_folder
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.files import fingerprint
from bactofleet.core.frozen_samples import FrozenSamples, freeze_samples
from bactofleet.core.identity import Identity, identify
from bactofleet.core.image import CALLER_VERSION, find_mismatch
from bactofleet.core.options import to_word
from bactofleet.core.project import find_stale
from bactofleet.core.references import is_address
from bactofleet.core.samples import Samples
from bactofleet.core.text import clean_lines
from bactofleet.core.versions import find_references, missing_tools
from bactofleet.records.folder import (
    FAILED,
    FROZEN_SAMPLES,
    PAGE,
    TABLE,
    lock_results,
    receipt_path,
)
from bactofleet.run import contained
from bactofleet.run.beginning import find_beginning, note_beginning
from bactofleet.run.checks import check_run, find_unreachable
from bactofleet.run.failed_jobs import list_failed_jobs, record_failed_jobs
from bactofleet.run.plan import (
    Plan,
    clear_leftovers,
    clear_work,
    describe_failures,
    find_outdated,
    known_image,
    name_some,
    read_failures,
)

PART_GENOMES = 1000


class WorkflowRun:
    """One start of the workflow, in the main process or inside a job."""

    config: dict[str, Any]
    samples: Samples
    container: str | None
    """The image in which Snakemake runs the stages, if it does."""
    plan: Plan
    """What is finished and what is to do, as of the start of the main process."""

    def __init__(
        self,
        config: dict[str, Any],
        schemas: Path,
        *,
        is_main: bool,
        files: Sequence[Path] = (CONFIG_FILE,),
        cores: int | None = None,
        is_dry_run: bool = False,
        is_apptainers: bool = False,
    ) -> None:
        """Check everything in the main process; raise `WorkflowError` with all problems.

        `files` are the configuration files that `config` was read from, in order. `cores` is the
        number of this machine's cores that make genomes; None if they are made elsewhere.
        `is_apptainers` says that Snakemake runs the stages in an image with Apptainer.
        """
        self._cores, self._is_dry_run = cores, is_dry_run
        # In whole seconds, like the times that it is compared with.
        self._begun = datetime.now(UTC).replace(microsecond=0)
        try:
            self.container = contained.name_for_snakemake() if is_apptainers else None
            self._check(config, schemas, files) if is_main else self._read(config, schemas)
        except ConfigurationError as error:
            raise WorkflowError(f"Please correct the following.\n{error}") from None

    def _check(self, config: dict[str, Any], schemas: Path, files: Sequence[Path]) -> None:
        """Check everything before a run, and say what it is going to do."""
        other = find_stale() or find_mismatch(__version__, os.environ.get(CALLER_VERSION))
        if other:
            raise ConfigurationError([other])
        for path in files:
            if path.is_file():
                read_options(path)
        source = ", ".join(map(str, files))
        ready = check_run(config, schemas, source, self.image_checksum)
        self.config, self.samples, self.plan = ready.config, ready.samples, ready.plan
        self._set_folders()
        self._continue_launch()
        first, *notes = self.plan.summary() + ready.notes()
        self._say([first, *self._describe_work(), *notes, *self._find_missing()])
        self._outdated = self._find_outdated()

    def _continue_launch(self) -> None:
        """Leave out what failed before Batch had to start this controller again."""
        if begun := find_beginning(self.results):
            self._begun = begun
            self.plan = self.plan.without(list_failed_jobs(self.results, begun))

    def _read(self, config: dict[str, Any], schemas: Path) -> None:
        """Read what a job needs."""
        self.config = check_config(
            config, load_schema(schemas / "config.schema.yaml"), str(CONFIG_FILE)
        )
        self._set_folders()
        self.samples = FrozenSamples(self.frozen_samples)
        self._outdated = frozenset()

    def _set_folders(self) -> None:
        self.results = local_folder(self.config["results"])
        self.scratch = scratch_folder(self.config["scratch"], self.config["results"])
        self.frozen_samples = self.results / FROZEN_SAMPLES

    @cached_property
    def all_parameters(self) -> dict[str, Any]:
        """All options that change the result.

        Jobs take those of the main process: the files behind them may be large.
        """
        if isinstance(self.samples, FrozenSamples) and self.frozen_samples.is_file():
            return self.samples.parameters()
        return parameters_of(self.config)

    def options(self, *names: str) -> tuple[str, ...]:
        """Return the named options in the form that a stage's command takes."""
        return tuple(to_word(name, self.config[name]) for name in names)

    def deciding_options(self) -> tuple[str, ...]:
        """Return all options that change the result, in the form that a stage's command takes."""
        return tuple(to_word(name, value) for name, value in self.all_parameters.items())

    @cached_property
    def parameters_checksum(self) -> str:
        """A checksum of all options that change the result."""
        return fingerprint(self.all_parameters)

    @cached_property
    def image_checksum(self) -> str | None:
        """A checksum of the tools' versions; None for a controller without the tools.

        Such a controller cannot know the image of the jobs.
        """
        return known_image()

    def identify(self, sample: str) -> Identity:
        """Return the identity of a genome: what this run makes it from."""
        return identify(self.samples[sample], self.parameters_checksum, self.image_checksum)

    @cache  # noqa: B019  # one run a process; each of a genome's stages asks
    def identity_key(self, sample: str) -> str:
        """Return a checksum of a sample's row and options; a change makes the genome again.

        The row itself may hold the signature of a URL, which is secret.
        """
        return identify(self.samples[sample], self.parameters_checksum, None).key()

    def reason_to_start_again(self, sample: str) -> list[str]:
        """Return a file newer than a genome's files in scratch, if those are of no use now."""
        return [str(self._start_again)] if sample in self._outdated else []

    def parts(self) -> range:
        """The numbers of this run's parts, which have at most `PART_GENOMES` genomes each."""
        return range(math.ceil(len(self.plan.todo) / PART_GENOMES))

    def receipts_to_write(self, part: int, forced: Collection[str]) -> list[str]:
        """Return the receipts of a part of this run, the targets of the workflow.

        `forced` holds the rules named by `--forcerun`, as in the profiles. Without it, an existing
        receipt is no target, so that nothing would be made again.
        """
        if self.plan.redo and "publish" not in forced:
            raise WorkflowError("redo needs a profile from profiles/, or --forcerun publish")
        first = part * PART_GENOMES
        return [self._receipt(name) for name in self.plan.todo[first : first + PART_GENOMES]]

    def start(
        self,
        *,
        runs_here: bool,
        shares_files: bool = True,
        stop: Callable[[], object] = lambda: None,
    ) -> None:
        """Begin a real run: lock the results, look for the tools, clean up.

        `runs_here` says that jobs run on this machine, which then needs the tools or an image,
        `shares_files` that they run where this machine's folders are. `stop` is called from another
        thread to stop further submissions.
        """
        try:
            self._lock: IO[str] = lock_results(self.results)
            self._check_nothing_finished_meanwhile()
            self._check_equipment(runs_here=runs_here, shares_files=shares_files)
            self._check_bucket()
        except ConfigurationError as error:
            raise WorkflowError(str(error)) from None
        if runs_here and not contained.is_wanted():
            self._say([f"NOTE: {missing} (docs/security.md)" for missing in find_missing()])
        self._runs_here = runs_here
        clear_leftovers(self.plan, self.results, self.scratch)
        note_beginning(self.results, self._begun)
        if self.plan.failed:
            record_failed_jobs(self.results, self.plan.failed, self._begun)
        freeze_samples(self.frozen_samples, self.samples, self.all_parameters)
        self._guard_max_cost(stop)
        self._show_progress()
        # After Snakemake's own last messages, so that the user sees these last.
        atexit.register(self._end)

    def write_report(self) -> None:
        """Write the cohort's table and report from what there is, after a run with failures."""
        record_failed_jobs(self.results, self._planned(), self._begun)
        sizes = report.SizeLimits.of(self.config)
        report.write_report(self.results, list(self.samples), sizes, self.samples.own_cells())

    def _planned(self) -> list[str]:
        """Return the genomes that this run was to make, before and after its controller's loss."""
        return [*self.plan.failed, *self.plan.todo]

    @property
    def failures(self) -> Path:
        """The folder with the records of failures."""
        return self.results / FAILED

    @property
    def _start_again(self) -> Path:
        return self.scratch / ".begin-anew"

    def _find_outdated(self) -> frozenset[str]:
        """Find the genomes whose stages in scratch were made from other input or options."""
        outdated = find_outdated(self.plan.todo, self.scratch, self.identify)
        if outdated:
            self._start_again.touch()
            names = name_some(outdated)
            self._say([f"NOTE: begun with other input or settings, they start again: {names}"])
        return frozenset(outdated)

    def _describe_work(self) -> list[str]:
        """Say what the plan takes; on AWS, cut it to what `max_cost` pays for."""
        # Imported here because every job reads this module and none needs this.
        from bactofleet.run.budget import price_plan  # noqa: PLC0415
        from bactofleet.run.outlook import describe_input, forecast_work  # noqa: PLC0415

        lines = describe_input(self.plan, self.samples)
        if not (is_s3(self.config["results"]) and self.plan.todo):
            facts = self.plan, self.samples, self.config, self.results
            return [*lines, *forecast_work(*facts, self._cores)]
        self.plan, prices = price_plan(self.plan, self.samples, self.config, self.results)
        return [*lines, *prices]

    def _find_missing(self) -> list[str]:
        """Say in a dry run what the start itself would refuse to do without."""
        if not self._is_dry_run or self._cores is None:
            return []
        try:
            self._check_equipment(runs_here=True, shares_files=True)
        except ConfigurationError as error:
            return [f"NOTE: the start will refuse this: {problem}" for problem in error.problems]
        return []

    def _guard_max_cost(self, stop: Callable[[], object]) -> None:
        limit = self.config["max_cost"]
        if limit is not None and is_s3(self.config["results"]):
            from bactofleet.run.budget import Guard  # noqa: PLC0415

            Guard(self.results, limit, stop, lambda line: self._say([line])).start()

    def _show_progress(self) -> None:
        # Imported here because every job reads this module and none shows the run.
        from bactofleet.monitor.snapshot import Observer  # noqa: PLC0415
        from bactofleet.run.terminal import announce  # noqa: PLC0415

        begun = self._begun.timestamp()
        observer = Observer(self.results, self.scratch, self.plan.todo, begun=begun)
        observer.leave_out_earlier()
        announce(observer)

    def _receipt(self, sample: str) -> str:
        return str(receipt_path(self.results, sample))

    def _check_equipment(self, *, runs_here: bool, shares_files: bool) -> None:
        """Refuse to run without what makes genomes: the image that the user names, or the tools."""
        if self.container:
            contained.bind_for_snakemake()
        elif shares_files and contained.is_wanted():
            contained.check_image(is_engine_here=runs_here)
        elif runs_here:
            self._check_tools()

    def _check_tools(self) -> None:
        # Imported here because every job reads this module and none looks for tools.
        from bactofleet.archives.providers import ORDER  # noqa: PLC0415

        samples = map(self.samples.__getitem__, self.plan.todo)
        kinds = {(one.kind, bool(one.runs), bool(one.long_reads)) for one in samples}
        has_accessions = any(kind == "accession" for kind, _, _ in kinds)
        providers = (self.config["providers"] or list(ORDER)) if has_accessions else []
        has_long = any(is_long for _, _, is_long in kinds)
        options = self.config | {"providers": providers, "long_reads": has_long}
        problems = []
        if missing := missing_tools(options):
            problems.append(
                f"These tools are not on PATH: {', '.join(missing)}. Run in the container "
                "(`bactofleet run` does, with Docker or Podman), or install them; no genome was "
                "started."
            )
        # Jobs ask the archives for the runs of these accessions, and their reads may be long.
        elif ("accession", False, False) in kinds and (
            missing := missing_tools(options | {"long_reads": True})
        ):
            self._say(
                [f"NOTE: not on PATH: {', '.join(missing)}; accessions of long reads will fail"]
            )
        references = self.config["species_references"]
        is_here = references and not is_address(references)
        if is_here and not (sketch := find_references(references)).exists():
            problems.append(
                f"species_references: there is no {sketch}. Run in the container "
                "(`bactofleet run` does, with Docker or Podman), which has it, or leave the option "
                "empty; no genome was started."
            )
        if problems:
            raise ConfigurationError(problems)

    def _check_bucket(self) -> None:
        """Refuse a bucket that does not exist before any genome is made for it."""
        results = self.config["results"]
        if not (is_s3(results) and self.plan.todo):
            return
        # Imported here because every job reads this module and none looks at the bucket.
        from bactofleet.transfer.places import open_bucket  # noqa: PLC0415

        if open_bucket(results).is_missing():
            raise ConfigurationError(
                [f"results: there is no bucket for {results}; no genome was started"]
            )

    def check_reach(self, *, shares_files: bool) -> None:
        """Refuse paths that jobs without access to this machine's folders cannot use.

        Called while the graph is made, so that a dry run reports it too: Snakemake knows only then
        what the executor shares. Raises `WorkflowError`.
        """
        if shares_files:
            return
        problems = find_unreachable(self.config, {n: self.samples[n] for n in self.plan.todo})
        results = self.config["results"]
        if not is_s3(results):
            problems.append(
                f"results is the folder {results!r}, which is lost with the machine that makes a "
                "genome; set results: s3://BUCKET/results"
            )
        if problems:
            raise WorkflowError("\n".join([*problems, "No genome was started."]))

    def _check_nothing_finished_meanwhile(self) -> None:
        planned = {Path(self._receipt(name)) for name in self.plan.todo}
        again = {Path(self._receipt(name)) for name in self.plan.redo}
        if any(path.exists() for path in planned - again):
            raise ConfigurationError(
                ["Another run has finished genomes in the meantime; start this one again."]
            )

    def _end(self) -> None:
        """Say how the run ended, and remove the samples' secrets."""
        self.frozen_samples.unlink(missing_ok=True)
        if self._runs_here:
            clear_work(self.plan.todo, self.scratch)
        self._start_again.unlink(missing_ok=True)
        self._say(describe_failures(read_failures(self.results, self._planned())))
        made = {"table: ": self.results / TABLE, "report:": self.results / PAGE}
        self._say([f"{name} {path}" for name, path in made.items() if path.exists()])

    @staticmethod
    def _say(lines: list[str]) -> None:
        for line in lines:
            told = line if line.startswith(" ") else f"bactofleet: {line}"
            print(clean_lines(told), file=sys.stderr)
