"""Show snapshots: on a terminal, as lines of text, or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from textwrap import shorten
from typing import Any

from rich.console import Group as Stack
from rich.console import RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bactofleet.monitor.snapshot import Genomes, Snapshot, StageTimes
from bactofleet.monitor.wording import (
    MAX_KINDS,
    describe_failure,
    describe_progress,
    group_failures,
    iter_counts,
    iter_facts,
    iter_pace,
    to_facts,
)
from bactofleet.records.failure import describe

# So that the view fits into a small terminal.
MAX_FAILURE = 300
STAGES_HEADING = "seconds per stage"
_STYLES = {"complete": "green", "excluded": "yellow", "failed": "red", "running": "cyan"}
_TIMES = ("time", "started", "last_finished")


def to_lines(snapshot: Snapshot) -> str:
    """Return the snapshot as plain text, one fact per line."""
    facts = [("genomes", describe_progress(snapshot)), *iter_facts(snapshot)]
    lines = [f"{name + ':':<12} {value}" for name, value in facts]
    slowest = _slowest(snapshot)
    for stage in snapshot.stages:
        mark = ", the slowest" if stage is slowest else ""
        numbers = f"median {stage.median_s:.1f}, 95th percentile {stage.p95_s:.1f}{mark}"
        lines.append(f"{STAGES_HEADING}: {stage.stage:<10} {numbers}")
    for group in group_failures(snapshot.failures)[:MAX_KINDS]:
        example = describe_failure(group.example)
        lines.append(f"failures: {group.what} {group.genomes:,}, for example {example}")
    return "\n".join(lines)


def to_json(snapshot: Snapshot) -> str:
    """Return the snapshot as one line of JSON; times are ISO 8601 in UTC."""
    data = asdict(replace(snapshot, failures=[], last_failure=None))
    data["failures"] = [to_facts(failure) for failure in snapshot.failures]
    data["last_failure"] = to_facts(snapshot.last_failure) if snapshot.last_failure else None
    data |= {name: _iso(data[name]) for name in _TIMES}
    data["queues"] = [queue | {"since": _iso(queue["since"])} for queue in data["queues"]]
    return json.dumps(data)


def to_view(snapshot: Snapshot) -> RenderableType:
    """Return the state of a run in a few lines, which stay in their place while it goes on."""
    counts = Text("   ").join(
        Text(text, _STYLES.get(text.split()[1], "")) for text in iter_counts(snapshot)
    )
    head = Text(describe_progress(snapshot), "bold")
    parts: list[RenderableType] = [head, _bar(snapshot.genomes), counts]
    if pace := "   ".join(iter_pace(snapshot)):
        parts.append(Text(pace))
    if snapshot.last_failure:
        failure = shorten(describe(snapshot.last_failure), MAX_FAILURE, placeholder=" ...")
        parts.append(Text(f"last failure: {failure}", "red"))
    return Stack(*parts)


def to_panel(snapshot: Snapshot) -> RenderableType:
    """Return the snapshot for a terminal; text from outside is never interpreted as markup."""
    genomes = snapshot.genomes
    facts = Table.grid(padding=(0, 2))
    for name, value in iter_facts(snapshot):
        facts.add_row(Text(name, "bold"), Text(value, _STYLES.get(name, "")))
    parts: list[RenderableType] = [Text(describe_progress(snapshot), "bold"), _bar(genomes)]
    # A terminal that is too small crops what comes last.
    if snapshot.failures:
        parts += ["", _failure_table(snapshot), ""]
    parts.append(facts)
    if snapshot.stages:
        parts += ["", _stage_table(snapshot)]
    return Stack(*parts)


def _bar(genomes: Genomes) -> Table:
    bar = Table.grid(expand=True)  # a bar alone does not end its line
    bar.add_row(ProgressBar(total=max(1, genomes.total), completed=genomes.ended))
    return bar


def _stage_table(snapshot: Snapshot) -> Table:
    table = Table("stage", title=f"{STAGES_HEADING}, complete genomes", title_justify="left")
    for heading in ("genomes", "median", "95th percentile"):
        table.add_column(heading, justify="right")
    slowest = _slowest(snapshot)
    for stage in snapshot.stages:
        cells = (f"{stage.genomes:,}", f"{stage.median_s:,.1f}", f"{stage.p95_s:,.1f}")
        is_slowest = stage is slowest
        name = f"{stage.stage} (slowest)" if is_slowest else stage.stage
        table.add_row(name, *cells, style="bold" if is_slowest else "")
    return table


def _failure_table(snapshot: Snapshot) -> Table:
    table = Table("kind", title="failures", title_justify="left")
    table.add_column("genomes", justify="right")
    table.add_column("for example", overflow="fold")
    for group in group_failures(snapshot.failures)[:MAX_KINDS]:
        example = Text(describe_failure(group.example))
        table.add_row(Text(group.what, "red"), f"{group.genomes:,}", example)
    return table


def _slowest(snapshot: Snapshot) -> StageTimes | None:
    return max(snapshot.stages, key=lambda stage: stage.median_s, default=None)


def _iso(seconds: Any) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
