"""Plot the CPU time and the memory that run.py has measured against the size of the cohort.

python bench/fleet/plot.py fleet.json docs/images/scale.svg
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from matplotlib import pyplot

AXES = {"cpu_s": "CPU time (s)", "peak_mib": "peak memory (MiB)"}


def main(record: Path, image: Path) -> None:
    """Read a record, write an image."""
    measured = {int(n): run["phases"] for n, run in json.loads(record.read_text()).items()}
    # So that the same figures give the same file.
    pyplot.rcParams["svg.hashsalt"] = "scale"
    figure, axes = pyplot.subplots(1, len(AXES), figsize=(11, 4.5), layout="constrained")
    for (key, title), axis in zip(AXES.items(), axes, strict=True):
        for phases in zip(*measured.values(), strict=True):
            values = [phase[key] for phase in phases]
            axis.plot(list(measured), values, marker="o", label=phases[0]["name"])
        axis.set(title=title, xlabel="genomes", xscale="log", yscale="log")
        axis.set_xticks(list(measured), [f"{n:,}" for n in measured], minor=False)
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize="small")
    figure.savefig(image, metadata={"Date": None})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
