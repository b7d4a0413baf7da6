"""MultiQC's report of a run, from the tools' own summaries that the tarballs begin with.

A genome's files stay in its tarball, so the few that MultiQC can read are written again, small,
from there: fastp's JSON and prokka's text. MultiQC itself runs as a process of its own.
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

# Above this MultiQC's page takes minutes to build and no longer opens in a usual browser.
MAX_GENOMES = 2_000
TIMEOUT_S = 1_800

# What prokka writes into <sample>.txt; MultiQC stops at a line of any other form.
PROKKA_SUMMARY = re.compile(r"organism:[^\n]*\ncontigs: *\d+\nbases: *\d+\n(?:[^:\n]+: *\d+\n?)*")

# https://docs.seqera.io/multiqc/getting_started/config
CONFIGURATION = {
    # A genome's name is its file's name: MultiQC would take it from fastp's command line, and cut
    # it at the first ".fastq", "_S1" or the like.
    "use_filename_as_sample_name": True,
    "fn_clean_exts": [{"type": "regex", "pattern": r"\.(json|txt)$"}],
    "fn_clean_trim": [],
    "show_analysis_paths": False,
    "no_version_check": True,
    "megaqc_url": None,
    "no_ai": True,
    # Drawings of flat plots need a browser on the computer that makes the report.
    "plots_force_interactive": True,
}


def write_multiqc(
    outputs: Iterable[tuple[str, Mapping[str, Any]]], genomes: int, path: Path, title: str
) -> str | None:
    """Write MultiQC's report to `path`; return why there is none, or None if there is.

    `outputs` are pairs of a sample's name and the summaries of its tools. When MultiQC is
    left out, `path` becomes a page that says why, so that no report of an earlier run stays there.
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
    """Write the files of one genome as MultiQC finds them; return how many.

    MultiQC puts names and values into its page as they are, so markup is escaped here.
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
    """Run MultiQC offline on a folder; return its last words if it fails."""
    configuration = folder / "multiqc_config.yaml"
    # JSON is YAML.
    settings = {**CONFIGURATION, "title": html.escape(title)}
    configuration.write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", "multiqc", ".", "--config", configuration.name]
    command += ["--module", "fastp", "--module", "prokka", "--filename", MULTIQC]
    command += ["--no-data-dir", "--no-ansi", "--quiet"]
    # HOME: the user's own configuration of MultiQC belongs to other reports.
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
