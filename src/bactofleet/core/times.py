"""Durations and times in words."""

from __future__ import annotations

from datetime import UTC, datetime

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def format_duration(seconds: float) -> str:
    """Return a duration in its two largest units, such as `2 d 4 h`."""
    rest = round(seconds)
    first = next((i for i, (_, size) in enumerate(_UNITS) if rest >= size), len(_UNITS) - 1)
    parts = []
    for unit, size in _UNITS[first : first + 2]:
        count, rest = divmod(rest, size)
        parts.append(f"{count} {unit}")
    return " ".join(parts)


def format_time(seconds: float) -> str:
    """Return a time in seconds since the epoch, such as `2026-11-23 00:24:13 UTC`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def format_utc(time: datetime) -> str:
    """Return a time with a time zone as ISO 8601 in UTC, such as `2026-11-23T00:24:13Z`."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
