"""Static files of the page; tables, plots and colours are those of the report."""

from importlib.resources import files

from bactofleet.report.assets import PLOTLY, SHARED_SCRIPTS, read_asset

_SCRIPTS = ("server.js", "overview.js", "charts.js", "main.js")


def read_assets() -> dict[str, tuple[str, bytes]]:
    """Return the media type and the content of each file, by URL path."""
    shared, own = map(read_asset, SHARED_SCRIPTS), map(_read, _SCRIPTS)
    texts = {
        "/": ("text/html", _read("serve.html")),
        "/serve.css": ("text/css", read_asset("report.css") + _read("serve.css")),
        "/serve.js": ("text/javascript", "\n".join([*shared, *own])),
        "/plotly.js": ("text/javascript", read_asset(PLOTLY)),
    }
    return {path: (f"{kind}; charset=utf-8", text.encode()) for path, (kind, text) in texts.items()}


def _read(name: str) -> str:
    return (files(__name__) / name).read_text(encoding="utf-8")
