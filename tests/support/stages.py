"""Run a stage of a genome as its script does: from arguments to an exit status."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bactofleet.genome.stage import (
    StageFunction,
    StageRecord,
    read_record,
    run_stage,
    run_staging_check,
)

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
}


@dataclass
class Genome:
    """The folders of one genome that is being made, and the arguments of its stages."""

    root: Path
    sample: str = "S1"

    @property
    def failures(self) -> Path:
        """Folder of the records of failures."""
        return self.root / "failed"

    def folder(self, stage: str) -> Path:
        """Return a stage's folder."""
        return self.root / "scratch" / self.sample / stage

    def log(self, stage: str) -> Path:
        """Return a stage's log."""
        return self.root / "logs" / self.sample / f"{stage}.log"

    def published(self, stage: str, name: str) -> Path:
        """Return a file of the result, by its name in Bactopia's layout."""
        return self.folder(stage) / "publish" / name

    def arguments(
        self, stage: str, *, inputs: list[str], attempt: int = 1, parameters: Any = None
    ) -> list[str]:
        """Return what the workflow gives a stage's script."""
        return [
            *("--stage", stage, "--sample", self.sample),
            *("--inputs", *(str(self.folder(name)) for name in inputs)),
            *("--output", str(self.folder(stage)), "--parameters", json.dumps(parameters or {})),
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
        return run_stage(
            function,
            self.arguments(stage, inputs=inputs or [], attempt=attempt, parameters=parameters),
        )

    def check(self, stage: str, *, inputs: list[str]) -> int:
        """Run the staging check before a stage; return its exit status."""
        return run_staging_check(self.arguments(stage, inputs=inputs))

    def record(self, stage: str) -> StageRecord:
        """Return the record of a finished stage."""
        return read_record(self.folder(stage))

    def failure(self) -> dict[str, Any]:
        """Return the record of the last failure."""
        found: dict[str, Any] = json.loads((self.failures / f"{self.sample}.json").read_text())
        return found
