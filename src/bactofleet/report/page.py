"""The page report.html: one self-contained file.

Plotly's library, the plots and each column of the table are compressed with gzip and encoded as
base64; the browser unpacks them when it needs them. The page's content security policy allows
only the page's own two scripts, by their hashes, and no network access.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import jinja2
import pandas as pd

from bactofleet.cost.display import HEADINGS, BillTable
from bactofleet.records.folder import FAILED, RECEIPTS
from bactofleet.report.assets import PLOTLY, SHARED_SCRIPTS, read_asset
from bactofleet.report.cohort import STATUSES, Cohort
from bactofleet.report.columns import describe_column, list_own
from bactofleet.report.drawing import PALETTE
from bactofleet.report.figures import Plot, build_plots, build_tool_plots
from bactofleet.report.outliers import MIN_GENOMES
from bactofleet.report.summary import summarise
from bactofleet.report.values import plain

SCRIPTS = ("unpack.js", *SHARED_SCRIPTS, "describe.js", "colour.js", "main.js")
# A column of at most so many different words is filtered by choosing one.
MAX_WORDS = 40
# Ends of logs on the page, of so many failed genomes at most.
MAX_TAILS = 2_000
RECORDS = {"complete": RECEIPTS, "excluded": RECEIPTS, "failed": FAILED}
# 64 characters per genome that nobody reads on a page and that do not compress: see cohort.tsv.
LEFT_OUT = ("tarball_sha256",)
# The highest level takes four times as long and makes the page only 3 % smaller.
LEVEL = 6


def render_page(
    cohort: Cohort, title: str, multiqc_left_out: str | None, bill: BillTable | None = None
) -> str:
    """Return the page as HTML.

    `multiqc_left_out` says why there is no MultiQC report; `bill` is None if nothing ran on
    AWS.
    """
    plots = build_plots(cohort.genomes)
    tool_plots = build_tool_plots(cohort.genomes) if multiqc_left_out is not None else []
    shown = cohort.genomes.drop(columns=list(LEFT_OUT))
    columns = [_column(values) for _, values in shown.items()]
    plotly, script = read_asset(PLOTLY), "\n".join(read_asset(name) for name in SCRIPTS)
    return _template().render(
        title=title,
        made=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        summary=summarise(cohort),
        outliers=cohort.outliers,
        min_genomes=MIN_GENOMES,
        statuses=STATUSES,
        plots=plots,
        tool_plots=tool_plots,
        colourings=[column for column in columns if _can_colour(column)],
        multiqc_left_out=multiqc_left_out,
        bill=bill,
        headings=HEADINGS,
        script=script,
        style=read_asset("report.css"),
        script_hashes=[_hash(script), _hash(plotly)],
        plotly=_pack(plotly),
        data={
            "plots": _pack_plots((*plots, *tool_plots)),
            "clouds": {plot.name: asdict(plot.cloud) for plot in plots if plot.cloud},
            "palette": PALETTE,
            "columns": columns,
            "tails": _pack(json.dumps(list(islice(cohort.tails.items(), MAX_TAILS)))),
            "records": RECORDS,
        },
    )


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("bactofleet.report", "assets"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["thousands"] = lambda number: f"{number:,}"
    return environment.get_template("report.html")


def _hash(script: str) -> str:
    """Return the hash of a script in the form of a content security policy."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _pack(text: str) -> str:
    # mtime: the same cohort makes the same bytes.
    packed = gzip.compress(text.encode("utf-8"), compresslevel=LEVEL, mtime=0)
    return base64.b64encode(packed).decode("ascii")


def _pack_plots(plots: Iterable[Plot]) -> str:
    """Return `{name: figure}`."""
    figures = ",".join(f"{json.dumps(plot.name)}:{plot.figure.to_json()}" for plot in plots)
    return _pack(f"{{{figures}}}")


def _column(values: pd.Series[Any]) -> dict[str, Any]:
    """Return a column for the table in the browser; missing values are null."""
    name = str(values.name)
    column = describe_column(name)
    is_numeric = pd.api.types.is_numeric_dtype(values.dtype)
    return {
        "name": name,
        "unit": column.unit,
        "meaning": column.meaning,
        "heading": column.heading,
        "numeric": is_numeric,
        "words": None if is_numeric else _list_words(values),
        "packed": _pack(json.dumps(plain(values), separators=(",", ":"))),
    }


def _can_colour(column: dict[str, Any]) -> bool:
    """Return whether points can be coloured by a column: it has a few words, or is the user's."""
    is_shown = column["heading"] and len(column["words"] or ()) > 1
    return bool(is_shown or list_own([column["name"]]))


def _list_words(values: pd.Series[Any]) -> list[str] | None:
    """Return the different words of a column in order; None if there are many, or each is one."""
    known = values[values.fillna("") != ""]
    words = sorted(map(str, known.unique()))
    return words if 0 < len(words) <= min(MAX_WORDS, len(known) - 1) else None
