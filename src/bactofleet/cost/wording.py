"""Text of a bill, with numbers formatted for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bactofleet.core.text import clean
from bactofleet.cost.bill import Bill, Kind, Line

DEAREST = 3
TOTALS = {
    Kind.SPENT: "spent",
    Kind.MONTHLY: "per month of storage",
    Kind.DOWNLOAD: "to download all results",
}


HEADINGS = ("usage", "price", "USD", "%", "USD per genome", "source")


@dataclass(frozen=True)
class BillRow:
    """A line or a total of the bill; `cells` are in the order of `HEADINGS`."""

    charge: str
    cells: tuple[str, ...]
    is_part: bool
    """Whether it is a part of the lines above, not added to any total."""
    is_total: bool


def list_rows(bill: Bill) -> list[BillRow]:
    """Return the bill as rows of a table; sources have the numbers of `list_sources`."""
    sources = list_sources(bill)
    return [_to_row(bill, line, sources) for line in with_totals(bill)]


def with_totals(bill: Bill) -> list[Line]:
    """Return the lines by kind, each kind followed by its total; totals have no unit."""
    lines = []
    for kind, name in TOTALS.items():
        kinds = {kind, Kind.PART} if kind is Kind.SPENT else {kind}
        if part := [line for line in bill.lines if line.kind in kinds]:
            lines += [*part, Line(kind, f"total {name}", 0.0, "", bill.total(kind), None)]
    return lines


def iter_facts(bill: Bill, note: str) -> Iterator[tuple[str, str]]:
    """Yield facts beyond the lines, as name and value."""
    yield "attempts", f"{bill.attempts:,}"
    genomes = f"{bill.genomes:,} with a receipt"
    if usd := bill.per_genome(bill.spent):
        genomes += f", {format_usd(usd)} each"
    yield "genomes", genomes
    if bill.median_genome is not None:
        names = [f"{clean(name)} {format_usd(usd)}" for name, usd in bill.dearest(DEAREST)]
        yield (
            "EC2 per genome",
            f"median {format_usd(bill.median_genome)}; most expensive {', '.join(names)}",
        )
    yield "prices", note
    yield (
        "not counted",
        "instances after their last attempt, the controller and more: see docs/cost.md",
    )


def _to_row(bill: Bill, line: Line, sources: list[tuple[str, str]]) -> BillRow:
    is_part = line.kind is Kind.PART
    cells = (
        format_usage(line) if line.unit else "",
        format_price(line),
        format_usd(line.usd)[1:],
        format_share(bill, line),
        format_per_genome(bill, line),
        f"[{sources.index(line.price.origin) + 1}]" if line.price else "",
    )
    charge = f"of which {line.charge}" if is_part else line.charge
    return BillRow(clean(charge), cells, is_part, is_total=not line.unit)


def list_sources(bill: Bill) -> list[tuple[str, str]]:
    """Return the sources of prices with their dates, each once, in the order of the lines."""
    return list(dict.fromkeys(line.price.origin for line in bill.lines if line.price))


def format_usd(usd: float) -> str:
    """Format USD with cents; amounts below a dollar with hundredths of a cent."""
    return f"${usd:,.2f}" if usd >= 1 or not usd else f"${usd:.4f}"


def format_price(line: Line) -> str:
    """Format the price of one unit (USD)."""
    if line.price is None:
        return ""
    usd = line.usd / line.usage if line.price.tiers and line.usage else line.price.usd
    return f"${usd:.4g}"


def format_share(bill: Bill, line: Line) -> str:
    """Format the share of a line in the amount spent (%); "" for amounts not spent yet."""
    if line.kind not in {Kind.SPENT, Kind.PART} or not bill.spent:
        return ""
    return f"{100 * line.usd / bill.spent:.1f}"


def format_per_genome(bill: Bill, line: Line) -> str:
    """Format the USD per genome with a receipt; "" if there are none."""
    usd = bill.per_genome(line.usd)
    return "" if usd is None else f"{usd:.6f}"


def format_usage(line: Line) -> str:
    """Format the usage with its unit."""
    return f"{line.usage:,.4g} {line.unit}" if line.usage < 1 else f"{line.usage:,.1f} {line.unit}"
