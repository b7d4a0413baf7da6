"""The reads of one run, as a provider delivered them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bactofleet.archives.https import Fetched
from bactofleet.archives.runs import Run


@dataclass(frozen=True)
class Delivery:
    """Files of one run: what it holds is seen, not what the archive claims of it."""

    run: str
    provider: str
    mates: list[Path]
    """FASTQ of the pairs' mates, or of single-end reads alone."""
    orphans: Path | None
    """FASTQ of a paired run's reads that have lost their mates, if it has any."""
    fetched: list[Fetched]
    tools: tuple[str, ...] = ()
    """What was run to get them."""

    @property
    def is_paired(self) -> bool:
        """Say whether pairs arrived."""
        return len(self.mates) == 2

    def describe(self, run: Run) -> dict[str, Any]:
        """Return what a receipt says of the run that an archive describes so."""
        instrument = {"platform": run.platform, "model": run.model}
        return {
            "run": self.run,
            "provider": self.provider,
            **{name: value for name, value in instrument.items() if value},
            "layout": "paired" if self.is_paired else "single",
            "files": [one.describe() for one in self.fetched],
        }
