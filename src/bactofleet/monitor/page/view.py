"""Contents of the page after one look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from bactofleet.monitor.page.durations import bin_durations
from bactofleet.monitor.page.genomes import GenomeStatus, Rows, compare_rows, iter_genomes
from bactofleet.monitor.page.timeline import measure_timeline, to_spans
from bactofleet.monitor.receipts import FinishedGenome
from bactofleet.monitor.snapshot import Genomes, Observer, Snapshot
from bactofleet.monitor.wording import describe_progress, group_failures, iter_facts, to_facts
from bactofleet.records.failure import Failure

MAX_GROUPS = 50
TILES = frozenset(field.name for field in fields(Genomes))


@dataclass(frozen=True)
class View:
    """Results of one look, in the form that pages request."""

    summary: dict[str, Any]
    """Everything except single genomes, for JSON."""
    rows: Rows
    by_sample: dict[str, GenomeStatus]
    failures: dict[str, Failure]


def build_view(observer: Observer, snapshot: Snapshot, last: Rows) -> View:
    """Return the view of an observer's last look; `last` are the rows of the look before."""
    failures = {failure.sample: failure for failure in snapshot.failures}
    rows = list(iter_genomes(observer, failures))
    summary = {
        "time": snapshot.time,
        "progress": describe_progress(snapshot),
        "genomes": asdict(snapshot.genomes),
        # The other facts are shown as tiles.
        "facts": [fact for fact in iter_facts(snapshot) if fact[0] not in TILES],
        "stages": [asdict(stage) for stage in snapshot.stages],
        "running_stages": snapshot.running_stages,
        "failures": _group(snapshot.failures),
        "exclusions": _group(_iter_exclusions(observer.receipts.finishes)),
        **_measure(observer, snapshot),
    }
    return View(
        summary,
        compare_rows(rows, last, snapshot.time),
        {row.sample: row for row in rows},
        failures,
    )


def _group(failures: Iterable[Failure]) -> list[dict[str, Any]]:
    groups = group_failures(failures)[:MAX_GROUPS]
    return [{"genomes": group.genomes, **to_facts(group.example)} for group in groups]


def _iter_exclusions(finishes: Mapping[str, FinishedGenome]) -> Iterator[Failure]:
    """Yield the reasons of exclusions in the form of failures."""
    for sample, finish in finishes.items():
        if reason := finish.reason:
            stage, kind, message = (reason[name] for name in ("stage", "type", "message"))
            yield Failure(sample=sample, stage=stage, kind=kind, message=message, log="")


def _measure(observer: Observer, snapshot: Snapshot) -> dict[str, Any]:
    """Return the data for the plots."""
    finishes = observer.receipts.finishes.values()
    # A receipt describes only the last attempt, and not the number of processors paid for.
    attempts = observer.usage.spans
    spans = attempts or to_spans(finishes)
    is_under_way = snapshot.started is not None
    timeline = measure_timeline(spans, snapshot.time, is_under_way=is_under_way)
    complete = [finish.duration_s / 60 for finish in finishes if finish.status == "complete"]
    durations = bin_durations(complete)
    return {
        "timeline": timeline and asdict(timeline) | {"of_attempts": bool(attempts)},
        "durations": durations and asdict(durations),
    }
