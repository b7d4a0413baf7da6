"""Show a bill: on a terminal, as TSV, or as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from rich.console import Group as Stack
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from bactofleet.core.text import to_cell
from bactofleet.cost.bill import Bill, Kind, Line
from bactofleet.cost.wording import (
    DEAREST,
    HEADINGS,
    format_per_genome,
    format_price,
    format_share,
    iter_facts,
    list_rows,
    list_sources,
    with_totals,
)

HEADER = (
    *("kind", "charge", "usage", "unit", "price_usd", "usd", "percent", "usd_per_genome"),
    *("source", "date", "note"),
)


def to_tsv(bill: Bill) -> str:
    """Return one row per line and per total."""
    rows = [HEADER, *(_row(bill, line) for line in with_totals(bill))]
    return "\n".join("\t".join(map(to_cell, row)) for row in rows)


def to_json(bill: Bill, note: str) -> str:
    """Return the bill as one line of JSON."""
    data: dict[str, Any] = {
        "spent_usd": bill.spent,
        "monthly_usd": bill.total(Kind.MONTHLY),
        "download_usd": bill.total(Kind.DOWNLOAD),
        "genomes": bill.genomes,
        "attempts": bill.attempts,
        "spent_usd_per_genome": bill.per_genome(bill.spent),
        "median_genome_ec2_usd": bill.median_genome,
        "dearest_genomes": [
            {"sample": name, "ec2_usd": usd} for name, usd in bill.dearest(DEAREST)
        ],
        "prices": note,
        "lines": [_to_dict(line) for line in bill.lines],
    }
    return json.dumps(data)


def to_table(bill: Bill, note: str) -> RenderableType:
    """Return the bill for a terminal; text from outside is never interpreted as markup."""
    table = Table("charge", title="what the run has cost", title_justify="left")
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    for row in list_rows(bill):
        style = "bold" if row.is_total else "dim" if row.is_part else ""
        charge = Text(f"  {row.charge}" if row.is_part else row.charge)
        table.add_row(charge, *row.cells, style=style, end_section=row.is_total)
    facts = Table.grid(padding=(0, 2))
    for name, value in iter_facts(bill, note):
        facts.add_row(Text(name, "bold"), Text(value))
    for number, origin in enumerate(list_sources(bill), start=1):
        facts.add_row(Text(f"[{number}]"), Text(", ".join(filter(None, origin))))
    return Stack(table, facts)


def _row(bill: Bill, line: Line) -> tuple[str, ...]:
    price = line.price
    return (
        str(line.kind),
        line.charge,
        f"{line.usage:.6g}" if line.unit else "",
        line.unit,
        format_price(line)[1:],
        f"{line.usd:.4f}",
        format_share(bill, line),
        format_per_genome(bill, line),
        price.source if price else "",
        price.date if price else "",
        price.note if price else "",
    )


def _to_dict(line: Line) -> dict[str, Any]:
    """Return a line for JSON: the bound of the last tier is infinite, which JSON cannot express."""
    data = asdict(line)
    if line.price:
        data["price"]["tiers"] = [
            {"up_to": bound if math.isfinite(bound) else None, "usd": usd}
            for bound, usd in line.price.tiers
        ]
    return data
