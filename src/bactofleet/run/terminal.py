"""Which of Snakemake's messages the terminal shows, beside the genomes of the run.

Snakemake describes each step of each genome. .snakemake/log has all of that; the terminal shows how
many genomes have ended, which failed and why, and every warning and error that concerns no single
genome, in full.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from logging import INFO, LogRecord
from pathlib import Path
from typing import Any

import snakemake.api  # noqa: F401  # first, because these modules import each other
from snakemake.logging import (
    ColorizingTextHandler,
    DefaultFilter,
    DefaultFormatter,
    get_event,
    logger,
)
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent

from bactofleet.core.text import counted
from bactofleet.monitor.live import Watch, watch
from bactofleet.monitor.snapshot import Observer
from bactofleet.records.failure import describe, find_failure
from bactofleet.records.folder import FAILED, LOGS

_OBSERVER = "bactofleet_observer"
# What happens to single steps, and how Snakemake was called.
_STEPS = frozenset(
    (
        *(LogEvent.WORKFLOW_STARTED, LogEvent.RUN_INFO, LogEvent.RESOURCES_INFO),
        *(LogEvent.JOB_INFO, LogEvent.JOB_STARTED, LogEvent.JOB_FINISHED, LogEvent.GROUP_INFO),
        *(LogEvent.SHELLCMD, LogEvent.PROGRESS, LogEvent.RULEGRAPH),
    )
)
# The same, in messages without an event. A message that is not known here is shown.
_STEP_TEXTS = re.compile(
    r"Select jobs to execute|Trying to restart job|Removing output files of failed job"
    r"|Touching output file|Using shell: |Group jobs: inactive|Job rate limit reached"
    r"|Assuming unrestricted shared filesystem|Processed \d+ potential jobs|Storing output in"
    r"|Reasons:|Some jobs were triggered by provenance|Rules with provenance triggered"
    r"|\d+ jobs have (missing|outdated) provenance"
)
_STAGE_COMMAND = re.compile(r"stage\.py\S* \w+ --sample (\S+)")


def announce(observer: Observer) -> None:
    """Tell the terminal which genomes this run makes; without the plugin, it is one message."""
    message = counted(len(observer.samples), "genome is made now.", "genomes are made now.")
    logger.info(message, extra={_OBSERVER: observer})


class Terminal:
    """Shows a run on the terminal, or as lines if there is none."""

    def __init__(self, settings: Any, *, shows_jobs: bool) -> None:
        """Take Snakemake's output settings; `shows_jobs` asks for its own messages as well."""
        self._stream = sys.stdout if settings.stdout else sys.stderr
        self._filter = DefaultFilter(
            settings.quiet or (),
            settings.debug_dag,
            settings.verbose,
            settings.dryrun,
            settings.printshellcmds,
        )
        # What `--quiet` drops is dropped here if nobody else listens, before each record passes
        # through Snakemake's queue for plugins.
        if len(settings.log_handler_settings) == 1:
            logger.addFilter(self._filter)
        self._handler = ColorizingTextHandler(
            nocolor=settings.nocolor,
            stream=self._stream,
            formatter=DefaultFormatter(settings.quiet, settings.show_failed_logs),
            filter=self._filter,
        )
        self._nocolor = settings.nocolor
        self._is_quiet = bool({Quietness.ALL, Quietness.PROGRESS} & set(settings.quiet or ()))
        self._shows_jobs = shows_jobs
        self._watch: Watch | None = None
        self._results = Path()
        self._told: set[str] = set()

    def show(self, record: LogRecord) -> None:
        """Show a record, unless it is about a step or about a genome whose failure is recorded."""
        observer = getattr(record, _OBSERVER, None)
        if observer is not None:
            self._results = observer.results
            print(f"bactofleet: {record.msg}", file=self._stream, flush=True)
            if not self._is_quiet:
                self._watch = watch(observer, self._stream, nocolor=self._nocolor)
        elif self._shows_jobs or not (_is_step(record) or self._tell_failures(record)):
            self._handler.handle(record)
        elif message := vars(record).get("rule_msg"):
            # A rule's own message is meant for the user.
            print(f"bactofleet: {message}", file=self._stream, flush=True)

    def close(self) -> None:
        """Show the final state; the next time, do nothing."""
        logger.removeFilter(self._filter)
        if self._watch is not None:
            self._watch.end()
            self._watch = None

    def _tell_failures(self, record: LogRecord) -> bool:
        """Say whether an error is that of genomes with a record of it, which says more."""
        samples = set(_iter_samples(record, self._results / LOGS))
        folder = self._results / FAILED
        try:
            failures = [find_failure(folder, name) for name in sorted(samples)]
        except FileNotFoundError:
            return False
        # On this machine the stage itself has written it to the terminal.
        if get_event(record) == LogEvent.GROUP_ERROR:
            # Later attempts end with the same failure.
            new = set(map(describe, failures)) - self._told
            for text in sorted(new):
                print(f"bactofleet: FAILED {text}", file=self._stream, flush=True)
            self._told |= new
        return bool(failures)


def _is_step(record: LogRecord) -> bool:
    if record.levelno > INFO:
        return False
    event = get_event(record)
    return (
        event in _STEPS
        or hasattr(record, "quietness")
        or (event is None and _STEP_TEXTS.match(str(record.msg)) is not None)
    )


def _iter_samples(record: LogRecord, logs: Path) -> Iterator[str]:
    """Yield the genomes whose stages an error is about."""
    match get_event(record):
        case LogEvent.ERROR:
            yield from _STAGE_COMMAND.findall(str(record.msg))
        case LogEvent.JOB_ERROR:
            yield from _samples_of(vars(record), logs)
        case LogEvent.GROUP_ERROR:
            for job in vars(record)["job_error_info"]:
                yield from _samples_of(job, logs)


def _samples_of(job: dict[str, Any], logs: Path) -> Iterator[str]:
    """Yield the genome of a job, by its log <logs>/<sample>/<stage>.log."""
    folders = (Path(name).parent for name in job["log"])
    yield from (folder.name for folder in folders if folder.parent == logs)
