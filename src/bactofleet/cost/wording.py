"""A bill in words and numbers as people read them."""

from __future__ import annotations

from collections.abc import Iterator

from bactofleet.cost.bill import Bill, Kind, Line
from bactofleet.report.records import clean

DEAREST = 3
TOTALS = {
    Kind.SPENT: "spent",
    Kind.MONTHLY: "each month that it is kept",
    Kind.DOWNLOAD: "if all is downloaded",
}


def iter_facts(bill: Bill, note: str) -> Iterator[tuple[str, str]]:
    """Yield what the lines do not say: its name and its value."""
    yield "attempts", f"{bill.attempts:,}"
    genomes = f"{bill.genomes:,} with a receipt"
    if usd := bill.per_genome(bill.spent):
        genomes += f", {format_usd(usd)} each"
    yield "genomes", genomes
    if bill.median_genome is not None:
        names = [f"{clean(name)} {format_usd(usd)}" for name, usd in bill.dearest(DEAREST)]
        yield "EC2 a genome", f"median {format_usd(bill.median_genome)}; dearest {', '.join(names)}"
    yield "prices", note
    yield (
        "not counted",
        "instances after their last attempt, the controller, more: docs/cost.md",
    )


def list_sources(bill: Bill) -> list[tuple[str, str]]:
    """Return where prices are from, each source and date once, in the order of the lines."""
    return list(dict.fromkeys(line.price.origin for line in bill.lines if line.price))


def format_usd(usd: float) -> str:
    """Return money: cents, and hundredths of a cent of less than a dollar."""
    return f"${usd:,.2f}" if usd >= 1 or not usd else f"${usd:.4f}"


def format_price(line: Line) -> str:
    """Return the USD of one unit."""
    if line.price is None:
        return ""
    usd = line.usd / line.usage if line.price.tiers and line.usage else line.price.usd
    return f"${usd:.4g}"


def format_share(bill: Bill, line: Line) -> str:
    """Return how much of what was spent a line is, in percent; "" for what is not spent yet."""
    if line.kind not in {Kind.SPENT, Kind.PART} or not bill.spent:
        return ""
    return f"{100 * line.usd / bill.spent:.1f}"


def format_usage(line: Line) -> str:
    """Return how much was used, with its unit."""
    return f"{line.usage:,.4g} {line.unit}" if line.usage < 1 else f"{line.usage:,.1f} {line.unit}"
