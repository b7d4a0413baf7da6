"""A forecast in words."""

from __future__ import annotations

from bactofleet.cost.estimate import Estimate
from bactofleet.cost.regression import Range
from bactofleet.status.wording import format_duration


def describe_briefly(estimate: Estimate) -> str:
    """Return what matters before a run, as one line."""
    return (
        f"forecast: {format_range(estimate.usd)}, {estimate.vcpu_hours.expected:,.0f} vCPU hours, "
        f"{describe_time(estimate)}; {describe_source(estimate)}"
    )


def describe_time(estimate: Estimate) -> str:
    """Return how long it will take."""
    low, high = (format_duration(3600 * hours) for hours in estimate.hours)
    return f"{low} to {high} on {estimate.vcpus:,} vCPUs"


def describe_source(estimate: Estimate) -> str:
    """Return what a forecast rests on."""
    if not estimate.lessons:
        return "from one genome that was measured elsewhere: make some to sharpen it"
    made = f"from {estimate.lessons:,} genomes made before"
    if not estimate.attempts:
        return f"{made}; price and losses on AWS are assumed"
    return f"{made} and what they cost on AWS"


def format_range(usd: Range) -> str:
    """Return USD and their interval."""
    return f"{format_usd(usd.expected)} (95 %: {format_usd(usd.low)} to {format_usd(usd.high)})"


def format_usd(usd: float) -> str:
    """Return money: cents, and of less than a dollar two digits that say something."""
    return (
        f"${usd:,.2f}" if usd >= 1 or usd == 0 else f"${usd:.2g}" if usd < 0.01 else f"${usd:.3f}"
    )
