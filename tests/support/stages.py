"""Run a stage of a genome as its script does: from arguments to an exit status."""

import json
import shlex
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from staging_check import check_inputs

from bactofleet.core.files import fingerprint
from bactofleet.core.frozen_samples import freeze_samples
from bactofleet.core.identity import Identity, identify
from bactofleet.core.options import to_word
from bactofleet.core.samples import Sample, Samples
from bactofleet.core.versions import get_versions
from bactofleet.genome import typing
from bactofleet.genome.stage import (
    Stage,
    StageFunction,
    StageRecord,
    parse_arguments,
    read_record,
    run_stage,
)

# A checksum of the options, as far as stages know.
PARAMETERS = "0123456789abcdef"
# The folders that a stage's rule declares, beside its record.
FOLDERS = {
    "download": ["reads", "assembly", "publish"],
    "qc": ["reads", "publish"],
    "assembly": ["contigs", "publish"],
    "typing": ["publish"],
    "annotation": ["publish"],
    "publish": [],
}
# Of the download stage, for tests with few reads.
DOWNLOAD_PARAMETERS = {
    "min_reads": 10,
    "min_basepairs": 100,
    "min_proportion": 0.5,
    "min_genome_size": 1000,
    "max_genome_size": 10_000,
    "simulate_reads": False,
    "coverage": 100,
    "providers": ["ena"],
    "keep": [],
    "references": {},
}
# Of the qc stage: no cap, no limit that 20 reads would not reach.
QC_PARAMETERS = {
    "min_reads": 10,
    "min_basepairs": 100,
    "min_proportion": 0.5,
    "min_coverage": 0.1,
    "coverage": 1000,
    "fastp_options": "",
    "phix": False,
    "error_correction": False,
    "keep": [],
}
ASSEMBLY_PARAMETERS = {
    "assembler": "skesa",
    "assembler_options": "",
    "polish": False,
    "min_contig_length": 50,
    "min_contig_coverage": 2,
    "min_genome_size": 100,
    "max_genome_size": 10_000,
    "keep": [],
}
ANNOTATION_PARAMETERS = {
    "proteins": "",
    "prokka_evalue": "1e-09",
    "prokka_coverage": 80,
    "prokka_use_genus": False,
    "prokka_options": "",
    "rfam": False,
    "genetic_code": None,
}
# Nothing is searched for.
TYPING_PARAMETERS = {
    "species_references": "",
    "resistance": False,
    "mlst_schemes": "",
    "amrfinder": "",
}


@dataclass
class Genome:
    """The folders of one genome that is being made, and the arguments of its stages."""

    root: Path
    sample: str = "S1"
    planned: Sample | None = None
    """The row of the sheet, where a test is about it."""

    @property
    def failures(self) -> Path:
        """Folder of the records of failures."""
        return self.root / "failed"

    def folder(self, stage: str) -> Path:
        """Return a stage's folder."""
        return self.root / "scratch" / self.sample / stage

    def outputs(self, stage: str) -> list[str]:
        """Return the record and the folders that a stage's rule declares."""
        return [str(self.folder(stage) / name) for name in ["stage.json", *FOLDERS[stage]]]

    def log(self, stage: str) -> Path:
        """Return a stage's log."""
        return self.root / "logs" / self.sample / f"{stage}.log"

    def commands(self, stage: str) -> list[list[str]]:
        """Return the commands that a stage ran, as its log tells them; `|` is a word of a pipe."""
        lines = self.log(stage).read_text().splitlines()
        return [shlex.split(line[2:]) for line in lines if line.startswith("$ ")]

    def published(self, stage: str, name: str) -> Path:
        """Return a file of the result, by its name in Bactopia's layout."""
        return self.folder(stage) / "publish" / name

    def arguments(
        self, stage: str, *, inputs: list[str], attempt: int = 1, parameters: Any = None
    ) -> list[str]:
        """Return what the workflow gives a stage."""
        options = {"identity": self.identity().key()} | (parameters or {})
        return [
            *(stage, "--sample", self.sample),
            *("--inputs", *(path for name in inputs for path in self.outputs(name))),
            *("--outputs", *self.outputs(stage)),
            *("--options", *(to_word(*option) for option in options.items())),
            *("--threads", "1", "--mem-mb", "4000", "--attempt", str(attempt)),
            *("--log", str(self.log(stage)), "--failures", str(self.failures)),
        ]

    def run(
        self,
        stage: str,
        function: StageFunction,
        *,
        inputs: list[str] | None = None,
        attempt: int = 1,
        parameters: Any = None,
    ) -> int:
        """Run a stage; return its exit status."""
        arguments = self.arguments(
            stage, inputs=inputs or [], attempt=attempt, parameters=parameters
        )

        def work(stage: Stage) -> None:
            if not inputs:
                stage.record.identity = self.identity().to_json()
            function(stage)

        return run_stage(work, parse_arguments(arguments), check_inputs)

    def plan(self, sample: Sample) -> dict[str, str]:
        """Write the snapshot that a run begins with; return the options that lead to its row."""
        cells = {column: _to_cell(value) for column, value in asdict(sample).items()}
        samples = Samples(list(cells), {sample.sample: list(cells.values())})
        path = self.root / "samples.sqlite"
        freeze_samples(path, samples, {})
        self.planned = samples[sample.sample]
        return {"samples": str(path), "parameters": PARAMETERS}

    def identity(self) -> Identity:
        """Return what the genome is made of."""
        sample = self.planned or Sample(self.sample)
        return identify(sample, PARAMETERS, fingerprint(get_versions()))

    def record(self, stage: str) -> StageRecord:
        """Return the record of a finished stage."""
        return read_record(self.folder(stage))

    def failure(self) -> dict[str, Any]:
        """Return the record of the last failure."""
        found: dict[str, Any] = json.loads((self.failures / f"{self.sample}.json").read_text())
        return found


def leave_contigs(fasta: str, species: str | None, **metrics: float) -> Callable[[Stage], None]:
    """Return what stands for the assembly stage of a genome with these contigs."""

    def run(stage: Stage) -> None:
        (stage.folder / "contigs" / f"{stage.sample}.fna").write_text(fasta)
        stage.record.input = {"species": species}
        stage.record.metrics |= metrics

    return run


def type_contigs(
    root: Path, fasta: str, *, species: str = "", expect: int = 0, **parameters: Any
) -> Genome:
    """Run the typing stage on an assembly; `expect` is its exit status."""
    genome = Genome(root)
    assert genome.run("qc", lambda stage: None) == 0
    assert genome.run("assembly", leave_contigs(fasta, species)) == 0
    status = genome.run(
        "typing",
        typing.run,
        inputs=["assembly", "qc"],
        parameters=TYPING_PARAMETERS | parameters,
    )
    assert status == expect
    return genome


def _to_cell(value: Any) -> str:
    return ";".join(map(str, value)) if isinstance(value, list) else str(value or "")
