"""Text of a snapshot, for the terminal and for lines of text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bactofleet.core.text import clean, counted
from bactofleet.core.times import format_duration, format_time
from bactofleet.cost.display import format_usd
from bactofleet.monitor.forecast import Throughput, TimeLeft
from bactofleet.monitor.snapshot import Money, Snapshot
from bactofleet.records.failure import Failure, describe

# Number of kinds of failure that are shown; `--json` has every failure.
MAX_KINDS = 10
_FACTS = ("sample", "stage", "kind", "message", "log")


@dataclass(frozen=True)
class Group:
    """Genomes that failed in the same stage with the same kind of failure, and one example."""

    genomes: int
    example: Failure

    @property
    def what(self) -> str:
        """Stage and kind; failures on AWS Batch name the stage in their message."""
        return " ".join(filter(None, (self.example.stage, self.example.kind)))


def iter_facts(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Yield the facts to show, as name and value."""
    genomes = snapshot.genomes
    yield "run", _describe_run(snapshot)
    yield "complete", f"{genomes.complete:,}"
    yield "excluded", f"{genomes.excluded:,}"
    yield "failed", f"{genomes.failed:,}"
    yield "running", f"{genomes.running:,}{_describe_stages(snapshot.running_stages)}"
    if genomes.submitted:
        yield "submitted", f"{genomes.submitted:,} on AWS Batch"
    yield "waiting", f"{genomes.waiting:,}"
    if snapshot.batch:
        batch = snapshot.batch
        states = f"{batch.queued:,} queued, {batch.running:,} running"
        yield "Batch", f"{states}, {batch.ended:,} finished and not collected yet (jobs)"
        if batch.unknown:
            unknown = (
                f"{batch.unknown:,} arrays or jobs are unknown to Batch; they count as finished"
            )
            yield "not known", unknown
    for wait in snapshot.queues:
        place = f"in {wait.queue} since {format_time(wait.since)}"
        yield "jobs wait", f"{place}; AWS Batch says: {clean(wait.reason)}"
    if left := snapshot.runs_left:
        yield "left on AWS", f"objects and a job definition {_describe_runs(left)}"
    if snapshot.last_finished is not None:
        age = format_duration(max(0.0, snapshot.time - snapshot.last_finished))
        yield "last genome", f"{age} ago, {format_time(snapshot.last_finished)}"
    yield from _iter_forecast(snapshot)
    if attempts := snapshot.attempts.total:
        lost = snapshot.attempts
        share = f"{lost.reclaimed:,} of {attempts:,} attempts ({lost.reclaimed / attempts:.1%})"
        yield "reclaimed", f"{share}, {lost.lost_s / 3600:,.1f} h lost"
    if money := snapshot.money:
        yield "cost", _describe_money(money)


def describe_briefly(snapshot: Snapshot) -> str:
    """Describe the state of a run in one line."""
    facts = [describe_progress(snapshot), ", ".join(iter_counts(snapshot)), *iter_pace(snapshot)]
    if snapshot.last_failure:
        facts.append(f"last failure: {describe(snapshot.last_failure)}")
    return "; ".join(facts)


def iter_counts(snapshot: Snapshot) -> Iterator[str]:
    """Yield how many genomes are in each state, as far as that is known."""
    genomes = snapshot.genomes
    # Batch was not asked which of the submitted ones are running.
    left_out = "running" if genomes.submitted and snapshot.batch is None else "submitted"
    for state in ("complete", "excluded", "failed", "running", "submitted", "waiting"):
        count: int = getattr(genomes, state)
        if count or state != left_out:
            stages = _describe_stages(snapshot.running_stages) if state == "running" else ""
            yield f"{count:,} {state}{stages}"


def iter_pace(snapshot: Snapshot) -> Iterator[str]:
    """Yield throughput, time left and cost, as far as they are known."""
    if pace := snapshot.throughput:
        yield _describe_pace(pace)
    if left := snapshot.time_left:
        yield f"about {format_duration(left.seconds)} left ({_describe_range(left)})"
    if money := snapshot.money:
        yield _describe_money(money)


def describe_progress(snapshot: Snapshot) -> str:
    """Describe how many genomes of the sample sheet have ended."""
    genomes = snapshot.genomes
    share = genomes.ended / genomes.total if genomes.total else 1.0
    return f"{genomes.ended:,} of {counted(genomes.total, 'genome')} ended ({share:.1%})"


def group_failures(failures: Iterable[Failure]) -> list[Group]:
    """Group failures by stage and kind, the most frequent first; the example is the last one."""
    alike = defaultdict(list)
    for failure in failures:
        alike[failure.stage, failure.kind].append(failure)
    groups = [Group(len(group), group[-1]) for group in alike.values()]
    return sorted(groups, key=lambda group: -group.genomes)


def to_facts(failure: Failure) -> dict[str, str]:
    """Return the fields of a failure to show, for JSON."""
    return {name: getattr(failure, name) for name in _FACTS}


def describe_failure(failure: Failure) -> str:
    """Describe which genome failed, why, and where its log is."""
    log = f"; log: {failure.log}" if failure.log else ""
    return f"{failure.sample}: {failure.message}{log}"


def _describe_run(snapshot: Snapshot) -> str:
    if snapshot.started is not None:
        age = format_duration(snapshot.time - snapshot.started)
        return f"running for {age}, since {format_time(snapshot.started)}"
    return "no run is active on this machine"


def _describe_runs(left: int) -> str:
    runs = "of a finished run" if left == 1 else f"for each of {left:,} finished runs"
    return f"{runs}; the next start removes them"


def _describe_stages(stages: dict[str, int]) -> str:
    parts = ", ".join(f"{stage} {count:,}" for stage, count in stages.items())
    return f" ({parts})" if parts else ""


def _iter_forecast(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    if pace := snapshot.throughput:
        window = format_duration(pace.window_s)
        yield "throughput", f"{_describe_pace(pace)} ({pace.genomes:,} in {window})"
    if left := snapshot.time_left:
        end = format_time(snapshot.time + left.seconds)
        yield "time left", f"about {format_duration(left.seconds)} ({_describe_range(left)}): {end}"
    elif snapshot.started is not None and snapshot.genomes.remaining:
        yield "time left", "unknown: too few genomes of this run have finished yet"


def _describe_pace(pace: Throughput) -> str:
    per_hour = f"{pace.per_hour:,.1f}" if pace.per_hour < 100 else f"{pace.per_hour:,.0f}"
    return f"{per_hour} genomes/h"


def _describe_range(left: TimeLeft) -> str:
    low = format_duration(left.low_s)
    high = "no upper limit" if left.high_s is None else format_duration(left.high_s)
    return f"95 %: {low} to {high}"


def _describe_money(money: Money) -> str:
    spent = f"{format_usd(money.spent_usd)} so far"
    if money.at_end_usd is None or money.at_end_usd == money.spent_usd:
        return spent
    return f"{spent}, about {format_usd(money.at_end_usd)} at the end"
