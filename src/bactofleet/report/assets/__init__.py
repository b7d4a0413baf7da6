"""Files of the report's page, some of which the page of `bactofleet serve` shares."""

from importlib.resources import files

# Plotly's official bundle without maps and 3D, npm plotly.js-cartesian-dist-min 4.1.1: a third of
# the one in the Python package, which alone takes 3 s to load on a slow machine. To be replaced
# together with the Python package, which makes the figures for its version.
PLOTLY = "plotly-cartesian.min.js"


def read_asset(name: str) -> str:
    """Return the text of a file."""
    return (files(__name__) / name).read_text(encoding="utf-8")
