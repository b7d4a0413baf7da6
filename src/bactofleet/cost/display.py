"""A bill for people and programs: on a terminal, in the report, as TSV, or as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bactofleet.core.text import clean, to_cell
from bactofleet.cost.bill import Bill, BillLine, Kind

MOST_EXPENSIVE = 3
TOTALS = {
    Kind.SPENT: "spent",
    Kind.MONTHLY: "per month of storage",
    Kind.DOWNLOAD: "to download all results",
}
HEADINGS = ("usage", "price", "USD", "%", "USD per genome", "source")
TSV_COLUMNS = (
    *("kind", "charge", "usage", "unit", "price_usd", "usd", "percent", "usd_per_genome"),
    *("source", "date", "note"),
)


@dataclass(frozen=True)
class BillRow:
    """A line or a total of the bill; `cells` are in the order of `HEADINGS`."""

    charge: str
    cells: tuple[str, ...]
    is_part: bool
    """Whether it is a part of the lines above, not added to any total."""
    is_total: bool


class BillTable:
    """The bill as text: rows, facts beyond them, and the sources of prices with their dates."""

    def __init__(self, bill: Bill, note: str) -> None:
        """Describe a bill; `note` says where its prices are from."""
        sources = dict.fromkeys(line.price.origin for line in bill.lines if line.price)
        self.sources = list(sources)
        self.rows = [self._to_row(bill, line) for line in _with_totals(bill)]
        self.facts = list(iter_facts(bill, note))

    def _to_row(self, bill: Bill, line: BillLine) -> BillRow:
        is_part = line.kind is Kind.PART
        cells = (
            _format_usage(line) if line.unit else "",
            _format_price(line),
            format_usd(line.usd)[1:],
            _format_share(bill, line),
            _format_per_genome(bill, line),
            f"[{self.sources.index(line.price.origin) + 1}]" if line.price else "",
        )
        charge = f"of which {line.charge}" if is_part else line.charge
        return BillRow(clean(charge), cells, is_part, is_total=not line.unit)

    def __rich__(self) -> RenderableType:
        # Text from outside is never interpreted as markup.
        table = Table("charge", title="what the run has cost", title_justify="left")
        for heading in HEADINGS:
            table.add_column(heading, justify="right")
        for row in self.rows:
            style = "bold" if row.is_total else "dim" if row.is_part else ""
            charge = Text(f"  {row.charge}" if row.is_part else row.charge)
            table.add_row(charge, *row.cells, style=style, end_section=row.is_total)
        facts = Table.grid(padding=(0, 2))
        for name, value in self.facts:
            facts.add_row(Text(name, "bold"), Text(value))
        for number, origin in enumerate(self.sources, start=1):
            facts.add_row(Text(f"[{number}]"), Text(", ".join(filter(None, origin))))
        return Group(table, facts)


def to_tsv(bill: Bill) -> str:
    """Return one row per line and per total."""
    rows = [TSV_COLUMNS, *(_to_tsv_row(bill, line) for line in _with_totals(bill))]
    return "\n".join("\t".join(map(to_cell, row)) for row in rows)


def to_json(bill: Bill, note: str) -> str:
    """Return the bill as one line of JSON."""
    most_expensive = bill.most_expensive(MOST_EXPENSIVE)
    data = {
        "spent_usd": bill.spent,
        "monthly_usd": bill.total(Kind.MONTHLY),
        "download_usd": bill.total(Kind.DOWNLOAD),
        "genomes": bill.genomes,
        "attempts": bill.attempts,
        "spent_usd_per_genome": bill.per_genome(bill.spent),
        "median_genome_ec2_usd": bill.median_genome,
        "most_expensive_genomes": [
            {"sample": name, "ec2_usd": usd} for name, usd in most_expensive
        ],
        "prices": note,
        "lines": [_to_dict(line) for line in bill.lines],
    }
    return json.dumps(data)


def iter_facts(bill: Bill, note: str) -> Iterator[tuple[str, str]]:
    """Yield facts beyond the lines, as name and value."""
    yield "attempts", f"{bill.attempts:,}"
    genomes = f"{bill.genomes:,} with a receipt"
    if usd := bill.per_genome(bill.spent):
        genomes += f", {format_usd(usd)} each"
    yield "genomes", genomes
    if bill.median_genome is not None:
        median, top = format_usd(bill.median_genome), bill.most_expensive(MOST_EXPENSIVE)
        names = ", ".join(f"{clean(name)} {format_usd(usd)}" for name, usd in top)
        yield "EC2 per genome", f"median {median}; most expensive {names}"
    yield "prices", note
    yield (
        "not counted",
        "instances after their last attempt, the controller and more: see docs/cost.md",
    )


def format_usd(usd: float) -> str:
    """Format USD with cents; amounts below a dollar with hundredths of a cent."""
    return f"${usd:,.2f}" if usd >= 1 or not usd else f"${usd:.4f}"


def _with_totals(bill: Bill) -> Iterator[BillLine]:
    """Yield the lines by kind, each kind followed by its total; totals have no unit."""
    for kind, name in TOTALS.items():
        kinds = {kind, Kind.PART} if kind is Kind.SPENT else {kind}
        if part := [line for line in bill.lines if line.kind in kinds]:
            yield from part
            yield BillLine(kind, f"total {name}", 0.0, "", bill.total(kind), None)


def _to_tsv_row(bill: Bill, line: BillLine) -> tuple[str, ...]:
    price = line.price
    return (
        str(line.kind),
        line.charge,
        f"{line.usage:.6g}" if line.unit else "",
        line.unit,
        _format_price(line)[1:],
        f"{line.usd:.4f}",
        _format_share(bill, line),
        _format_per_genome(bill, line),
        *((price.source, price.date, price.note) if price else ("", "", "")),
    )


def _to_dict(line: BillLine) -> dict[str, Any]:
    """Return a line for JSON: the bound of the last tier is infinite, which JSON cannot express."""
    data = asdict(line)
    if line.price:
        data["price"]["tiers"] = [
            {"up_to": bound if math.isfinite(bound) else None, "usd": usd}
            for bound, usd in line.price.tiers
        ]
    return data


def _format_price(line: BillLine) -> str:
    """Format the price of one unit (USD)."""
    if line.price is None:
        return ""
    usd = line.usd / line.usage if line.price.tiers and line.usage else line.price.usd
    return f"${usd:.4g}"


def _format_share(bill: Bill, line: BillLine) -> str:
    """Format the share of a line in the amount spent (%); "" for amounts not spent yet."""
    if line.kind not in {Kind.SPENT, Kind.PART} or not bill.spent:
        return ""
    return f"{100 * line.usd / bill.spent:.1f}"


def _format_per_genome(bill: Bill, line: BillLine) -> str:
    """Format the USD per genome with a receipt; "" if there are none."""
    usd = bill.per_genome(line.usd)
    return "" if usd is None else f"{usd:.6f}"


def _format_usage(line: BillLine) -> str:
    return f"{line.usage:,.4g} {line.unit}" if line.usage < 1 else f"{line.usage:,.1f} {line.unit}"
