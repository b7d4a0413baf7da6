"""Text of an estimate."""

from __future__ import annotations

from collections.abc import Iterator

from bactofleet.core.times import format_duration
from bactofleet.cost.estimate import Estimate
from bactofleet.cost.forecast import Range
from bactofleet.cost.wording import format_usd

GB = 1e9


def describe_briefly(estimate: Estimate) -> str:
    """Return the most important numbers as one line, for the start of a run."""
    return (
        f"forecast: {format_range(estimate.usd)}, {estimate.vcpu_hours.expected:,.0f} vCPU hours, "
        f"{_describe_time(estimate)}; based on {_describe_source(estimate)}"
    )


def iter_facts(estimate: Estimate) -> Iterator[tuple[str, str]]:
    """Yield all predicted quantities as name and value."""
    hours, size = estimate.vcpu_hours, estimate.bytes
    kept, taken = (format_usd(usd.expected) for usd in (estimate.usd_month, estimate.usd_download))
    yield "genomes", f"{estimate.genomes:,} to do"
    if not estimate.genomes:
        return
    each = format_usd(estimate.usd.expected / estimate.genomes)
    yield "cost", f"{format_range(estimate.usd)}, {each} each"
    yield "on demand", f"{format_range(estimate.usd_on_demand)}, without spot instances"
    yield "vCPU hours", f"{hours.expected:,.0f} (95 %: {hours.low:,.0f} to {hours.high:,.0f})"
    yield "time", _describe_time(estimate)
    sizes = [f"{part / GB:,.1f}" for part in (size.expected, size.low, size.high)]
    yield (
        "results",
        "{} GB (95 %: {} to {})".format(*sizes)
        + f", {kept} per month to store, {taken} to download",
    )
    yield "based on", _describe_source(estimate)


def format_range(usd: Range) -> str:
    """Return an amount in USD with its interval."""
    return f"{format_usd(usd.expected)} (95 %: {format_usd(usd.low)} to {format_usd(usd.high)})"


def _describe_time(estimate: Estimate) -> str:
    low, high = (format_duration(3600 * hours) for hours in estimate.hours)
    return f"{low} to {high} on {estimate.vcpus:,} vCPUs"


def _describe_source(estimate: Estimate) -> str:
    """Return what an estimate is based on."""
    if not estimate.lessons:
        return "one genome measured elsewhere; your first genomes will improve it"
    made = f"{estimate.lessons:,} finished genomes"
    if not estimate.attempts:
        return f"{made}; price and losses on AWS are assumed"
    return f"{made} and their cost on AWS"
