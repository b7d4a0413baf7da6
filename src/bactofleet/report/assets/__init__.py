"""Static files of the report's page; the page of `bactofleet serve` shares some of them."""

from importlib.resources import files

# Plotly's official bundle without maps and 3D, npm plotly.js-cartesian-dist-min 4.1.1. It has a
# third of the size of the bundle in the Python package, which takes 3 s to load on a slow machine.
# Update it together with the Python package, whose figures are made for its version.
PLOTLY = "plotly-cartesian.min.js"

# Of both pages: table, dialog of a genome and plots.
SHARED_SCRIPTS = (
    "elements.js",
    "filter.js",
    "rows.js",
    "table.js",
    "detail.js",
    "genomes.js",
    "plots.js",
)


def read_asset(name: str) -> str:
    """Return the text of a file."""
    return (files(__name__) / name).read_text(encoding="utf-8")
