"""A run that never was, as it lies on the disk: some genomes ended, some under way, some waiting.

Receipts are copies of a few hundred synthetic ones with names and times of their own, so that
67,000 are made in seconds. The times are those of a fleet: each machine takes the next genome when
it has ended one.
"""

from __future__ import annotations

import heapq
import json
import random
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support.projects import write_project
from support.synthetic_cohort import draw_kind, write_genomes
from support.usage import MIDNIGHT, make_row, write_usage

from bactofleet.core.destination import scratch_folder
from bactofleet.genome.stage import STAGES
from snakemake_executor_plugin_aws_batch_array.ledger import Ledger, OpenChild
from snakemake_executor_plugin_aws_batch_array.paths import LEDGER
from snakemake_executor_plugin_aws_batch_array.tables import UsageRow

TEMPLATES = 400
RAMP_S = 1200
RECLAIMED = 0.04
LOG_LINES = 300


@dataclass(frozen=True)
class Template:
    """A record of a genome that ended: its folder, its text and how long it took."""

    folder: str
    name: str
    text: str
    seconds: float

    def write(self, results: Path, sample: str, finished: float) -> None:
        """Write the record of another genome, with a log if it failed."""
        moment = f'"finished": "{datetime.fromtimestamp(finished, UTC):%Y-%m-%dT%H:%M:%SZ}"'
        text = re.sub('"finished": "[^"]*"', moment, self.text.replace(self.name, sample))
        (results / self.folder / f"{sample}.json").write_text(text)
        if self.folder == "failed":
            log = "".join(f"[{line}] k-mer {line * 7919 % 4096}\n" for line in range(LOG_LINES))
            log += f"{sample} failed: {json.loads(text)['message']}\n"
            (results / self.folder / f"{sample}.log").write_text(log)


def write_run(
    project: Path, count: int, machines: int, ended: float, *, on_aws: bool = False
) -> list[str]:
    """Write a project's folder at the moment when a share `ended` of its genomes has."""
    results, rng = project / "results", random.Random(count)
    for folder in (results / "receipts", results / "failed"):
        folder.mkdir(parents=True)
    samples = [f"SRX{10_400_000 + 37 * index}" for index in range(count)]
    write_project(project, samples)

    templates = make_templates()
    genomes = [rng.choice(templates) for _ in samples]
    spans = schedule([genome.seconds for genome in genomes], machines, rng)
    moment = sorted(end for _, end in spans)[max(0, round(ended * count) - 1)]
    shift = time.time() - moment
    spans = [(begin + shift, end + shift) for begin, end in spans]
    now = moment + shift
    done = {name: span for name, span in zip(samples, spans, strict=True) if span[1] <= now}
    for sample, template in zip(samples, genomes, strict=True):
        if sample in done:
            template.write(results, sample, done[sample][1])
    if on_aws:
        write_usage(results, iter_attempts(done, rng))
        submit(results, [name for name in samples if name not in done])
    else:
        begun = zip(samples, spans, strict=True)
        under_way = [name for name, (begin, end) in begun if begin < now < end]
        scratch = scratch_folder(str(project / "scratch"), str(project / "results"))
        begin_stages(scratch, under_way, rng)
    return samples


def make_templates() -> list[Template]:
    """Return records of genomes of which 94 % are complete, 3.5 % excluded and 1.5 % failed."""
    rng = random.Random(1)
    kinds = [kind for kind in (draw_kind(rng) for _ in range(TEMPLATES)) if kind != "waiting"]
    with tempfile.TemporaryDirectory() as folder:
        names = write_genomes(Path(folder), kinds)
        return [_read_template(Path(folder), name) for name in names]


def _read_template(results: Path, name: str) -> Template:
    receipt = results / "receipts" / f"{name}.json"
    path = receipt if receipt.exists() else results / "failed" / receipt.name
    record = json.loads(path.read_text())
    text = json.dumps(record, indent=1)
    seconds = sum(stage["seconds"] for stage in record.get("stages", {}).values())
    return Template(path.parent.name, name, text, seconds or 300.0)


def schedule(seconds: list[float], machines: int, rng: random.Random) -> list[tuple[float, float]]:
    """Return when each genome begins and ends; the machines come one after another."""
    free = [rng.uniform(0, RAMP_S) for _ in range(machines)]
    heapq.heapify(free)
    spans = []
    for duration in seconds:
        begin = heapq.heappop(free)
        spans.append((begin, begin + duration))
        heapq.heappush(free, begin + duration + rng.uniform(5, 30))
    return spans


def begin_stages(scratch: Path, samples: list[str], rng: random.Random) -> None:
    """Leave the folders of genomes under way on this machine."""
    for sample in samples:
        last = rng.choices(range(len(STAGES)), (2, 2, 8, 3, 1))[0]
        for stage in STAGES[: last + 1]:
            (scratch / sample / stage / "work").mkdir(parents=True)


def iter_attempts(done: dict[str, tuple[float, float]], rng: random.Random) -> Iterator[UsageRow]:
    """Yield the attempts of genomes on AWS Batch, of which some lost a host before."""
    for number, (sample, (begin, end)) in enumerate(done.items()):
        host: dict[str, Any] = {"instance_id": f"i-{number % 400}"}
        started, stopped = begin - MIDNIGHT, end - MIDNIGHT
        if rng.random() < RECLAIMED:
            lost = started - rng.uniform(60, 900)
            yield make_row(sample, lost, started, outcome="reclaimed", **host)
        yield make_row(sample, started, stopped, **host)


def submit(results: Path, samples: list[str]) -> None:
    """Leave the executor's ledger of genomes that are on AWS Batch."""
    (results / LEDGER).parent.mkdir()
    ledger = Ledger(results / LEDGER)
    children = [OpenChild(name, f"results/receipts/{name}.json") for name in samples]
    ledger.open_run("prefix", "definition")
    ledger.open_array("array", "prefix", "queue", children)
    ledger.record_job("array", "id")
