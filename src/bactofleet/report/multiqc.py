"""MultiQC's report of a run, from the tools' summaries at the beginning of the tarballs.

A genome's files stay in its tarball. Short versions of those that MultiQC can read, fastp's JSON
and prokka's text, are written again from these summaries. MultiQC runs as a separate process.
"""

from __future__ import annotations

import html
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bactofleet.core.errors import ConfigurationError
from bactofleet.core.files import write_atomically
from bactofleet.records.folder import MULTIQC

logger = logging.getLogger(__name__)

# Above this number MultiQC takes minutes to build its page, which usual browsers cannot open.
MAX_GENOMES = 2_000
TIMEOUT_S = 1_800

# The lines that prokka writes into <sample>.txt; MultiQC stops at any other.
PROKKA_SUMMARY = re.compile(r"organism:[^\n]*\ncontigs: *\d+\nbases: *\d+\n(?:[^:\n]+: *\d+\n?)*")

# https://docs.seqera.io/multiqc/getting_started/config
CONFIGURATION = {
    # Name genomes by their files: otherwise MultiQC takes names from fastp's command line and
    # cuts them at the first ".fastq", "_S1" or similar.
    "use_filename_as_sample_name": True,
    "fn_clean_exts": [{"type": "regex", "pattern": r"\.(json|txt)$"}],
    "fn_clean_trim": [],
    "show_analysis_paths": False,
    "no_version_check": True,
    "megaqc_url": None,
    "no_ai": True,
    # Flat plots need a browser on the computer that makes the report.
    "plots_force_interactive": True,
}


def write_multiqc(
    outputs: Iterable[tuple[str, Mapping[str, Any]]], genomes: int, path: Path, title: str
) -> str | None:
    """Write MultiQC's report to `path`; return None, or the reason why there is no report.

    `outputs` are pairs of a sample's name and the summaries of its tools. Without a report, `path`
    becomes a page that gives the reason, so that the report of an earlier run does not remain.
    """
    if genomes > MAX_GENOMES:
        return _leave_out(
            path, f"there are {genomes:,} genomes, and it is made for up to {MAX_GENOMES:,}"
        )
    with tempfile.TemporaryDirectory(prefix="multiqc-") as folder:
        try:
            found = sum(_write_outputs(Path(folder), sample, part) for sample, part in outputs)
        except ConfigurationError as error:
            logger.warning("There is no MultiQC report: %s", error)
            return _leave_out(path, f"the tarballs cannot be read: {error}")
        if not found:
            return _leave_out(path, "no genome has a summary of fastp or prokka yet")
        problem = _run_multiqc(Path(folder), title)
        if problem:
            logger.warning("MultiQC did not finish: %s", problem)
            return _leave_out(path, f"MultiQC did not finish: {problem}")
        write_atomically(path, (Path(folder) / MULTIQC).read_text(encoding="utf-8"))
    return None


def _write_outputs(folder: Path, sample: str, tools: Mapping[str, Any]) -> int:
    """Write the files of one genome where MultiQC finds them; return their number.

    MultiQC does not escape names and values in its page, so markup is escaped here.
    """
    files: dict[str, str] = {}
    fastp, prokka = tools.get("fastp"), tools.get("prokka")
    if isinstance(fastp, dict):
        files["json"] = html.escape(json.dumps(fastp, indent=1), quote=False)
    if isinstance(prokka, str) and PROKKA_SUMMARY.fullmatch(prokka):
        files["txt"] = html.escape(prokka)
    for suffix, text in files.items():
        (folder / f"{html.escape(sample)}.{suffix}").write_text(text, encoding="utf-8")
    return len(files)


def _run_multiqc(folder: Path, title: str) -> str | None:
    """Run MultiQC offline on a folder; return the end of its output if it fails."""
    configuration = folder / "multiqc_config.yaml"
    # JSON is YAML.
    settings = {**CONFIGURATION, "title": html.escape(title)}
    configuration.write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", "multiqc", ".", "--config", configuration.name]
    command += ["--module", "fastp", "--module", "prokka", "--filename", MULTIQC]
    command += ["--no-data-dir", "--no-ansi", "--quiet"]
    # HOME: the user's own MultiQC configuration is for other reports.
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it took more than {TIMEOUT_S} s"
    if done.returncode == 0 and (folder / MULTIQC).exists():
        return None
    return (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]


def _leave_out(path: Path, why: str) -> str:
    head = "<!doctype html><meta charset=utf-8><title>MultiQC</title>"
    write_atomically(path, f"{head}<p>There is no MultiQC report: {html.escape(why)}.</p>\n")
    return why
