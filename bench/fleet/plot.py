"""Plot the CPU time and the memory that run.py has measured against the size of the cohort.

python bench/fleet/plot.py fleet.json docs/images/scale.svg
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from plotly import graph_objects
from plotly.subplots import make_subplots


def main(record: Path, image: Path) -> None:
    """Read a record, write an image."""
    measured = {int(n): run["phases"] for n, run in json.loads(record.read_text()).items()}
    figure = make_subplots(1, 2, subplot_titles=("CPU time (s)", "peak memory (MiB)"))
    names = [phase["name"] for phase in next(iter(measured.values()))]
    for place, name in enumerate(names):
        for column, key in enumerate(("cpu_s", "peak_mib"), start=1):
            figure.add_trace(_draw(measured, place, key, name), row=1, col=column)
    figure.update_xaxes(title="genomes", type="log", tickvals=list(measured))
    figure.update_yaxes(type="log", dtick=1)
    figure.update_layout(template="plotly_white", width=1000, height=420, colorway=COLOURS)
    figure.write_image(image)


def _draw(measured: dict[int, Any], place: int, key: str, name: str) -> graph_objects.Scatter:
    values = [phases[place][key] for phases in measured.values()]
    return graph_objects.Scatter(
        x=list(measured),
        y=values,
        name=name,
        legendgroup=name,
        showlegend=key == "cpu_s",
        mode="lines+markers",
        line_color=COLOURS[place],
    )


# Okabe and Ito's, which people with colour blindness can distinguish.
COLOURS = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
