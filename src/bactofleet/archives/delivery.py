"""The reads of one run, as delivered by a provider."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bactofleet.archives.https import Fetched
from bactofleet.archives.runs import Run


@dataclass(frozen=True)
class Delivery:
    """The files of one run that arrived, whatever the archive claims."""

    run: str
    provider: str
    mates: list[Path]
    """FASTQ files of both mates, or of single-end reads."""
    orphans: Path | None
    """FASTQ file of a paired run's reads without a mate, if there are any."""
    fetched: list[Fetched]
    tools: tuple[str, ...] = ()
    """The tools that were run to get them."""

    @property
    def is_paired(self) -> bool:
        """Say whether pairs arrived."""
        return len(self.mates) == 2

    def describe(self, run: Run) -> dict[str, Any]:
        """Return what a receipt says about the run, with the instrument that the archive names."""
        instrument = {"platform": run.platform, "model": run.model}
        return {
            "run": self.run,
            "provider": self.provider,
            **{name: value for name, value in instrument.items() if value},
            "layout": "paired" if self.is_paired else "single",
            "files": [one.describe() for one in self.fetched],
        }
