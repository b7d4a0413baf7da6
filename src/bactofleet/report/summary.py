"""Top of the page: how many genomes there are, what is wrong, and which settings differ."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bactofleet.genome.species import MIXED, OTHER, UNKNOWN
from bactofleet.report.cohort import STATUSES, Cohort
from bactofleet.report.outliers import Outlier
from bactofleet.report.provenance.citations import Citation, cite_cohort
from bactofleet.report.ranks import RANKS
from bactofleet.report.rows import LIST_SEPARATOR, NONE_FOUND
from bactofleet.report.values import numbers, texts

# The page lists this many failures with their logs; the table has all of them.
MAX_FAILURES = 50
MAX_OUTLIERS = 8
MAX_NAMES = 12
MAX_CARRIED = 15
MAX_TAIL_LINES = 20

# The verdicts of genome/species.py that need a decision.
MEANINGS = {
    MIXED: "Mixed: the reads have a second species",
    OTHER: "Not the species of the sample sheet",
    UNKNOWN: "Species unknown: no reference is near",
}

# Columns of lists that the page counts.
_CARRIED = (
    ("resistance_genes", "Resistance genes"),
    ("resistance_mutations", "Point mutations"),
    ("resistance_drugs", "Resistance predicted to"),
    ("plasmid_replicons", "Plasmid replicons"),
    ("amrfinder_genes", "Resistance by AMRFinderPlus"),
    ("amrfinder_virulence", "Virulence by AMRFinderPlus"),
)

# Column, heading, factor and format of the key numbers.
_KEY_NUMBERS = (
    ("assembler_total_contig_length", "Assembly size (Mb)", 1e-6, "{:.2f}"),
    ("assembler_total_contig", "Contigs", 1, "{:,.0f}"),
    ("assembler_n50_contig_length", "N50 (kb)", 1e-3, "{:,.0f}"),
    ("assembler_gc_percent", "GC (%)", 1, "{:.1f}"),
    ("qc_final_coverage", "Depth after cleaning (x)", 1, "{:.0f}"),
    ("annotator_total_cds", "Coding sequences", 1, "{:,.0f}"),
    ("tarball_bytes", "Tarball (MB)", 1e-6, "{:.1f}"),
)


@dataclass(frozen=True)
class ShownFailure:
    """A genome that failed, or whose record cannot be read."""

    sample: str
    stage: str
    kind: str
    message: str
    exit_code: str
    attempt: str
    log: str
    tail: list[str]


@dataclass(frozen=True)
class Cause:
    """Genomes that failed or were excluded for the same reason; `names` holds the first."""

    kind: str
    stage: str
    example: str
    count: int
    names: list[str]


@dataclass(frozen=True)
class Finding:
    """Genomes that are not what the sheet says, or more than one; `examples` has the first."""

    meaning: str
    count: int
    examples: list[tuple[str, str]]
    """Sample, and what was found in it."""


@dataclass(frozen=True)
class Carried:
    """Genes, or what follows from them: the most common, and the genomes that have each."""

    heading: str
    searched: int
    """Number of genomes in which they were looked for."""
    kinds: int
    common: list[tuple[str, int]]


@dataclass(frozen=True)
class OutlierGenome:
    """An outlier with its name and species."""

    sample: str
    species: str
    outlier: Outlier


@dataclass(frozen=True)
class OutlierGroup:
    """Outliers with the same possible explanation; `farthest` holds the most extreme of them."""

    meaning: str
    count: int
    farthest: list[OutlierGenome]


@dataclass(frozen=True)
class MetricSummary:
    """A metric of the complete genomes: its median, 5th and 95th percentile."""

    heading: str
    median: str
    low: str
    high: str


@dataclass(frozen=True)
class Setting:
    """A tool or parameter with each of its values and the number of genomes made with it."""

    name: str
    values: list[tuple[str, int]]


@dataclass(frozen=True)
class Summary:
    """Everything on the page except the plots and the table."""

    total: int
    counts: dict[str, int]
    ranks: dict[str, int]
    rank_limits: list[tuple[str, int]]
    failures: list[ShownFailure]
    causes: list[Cause]
    """Of failures, the commonest first."""
    exclusions: list[Cause]
    findings: list[Finding]
    carried: list[Carried]
    outliers: list[OutlierGroup]
    key_numbers: list[MetricSummary]
    versions: list[Setting]
    parameters: list[Setting]
    groups: list[dict[str, Any]]
    hosts: list[tuple[str, int]]
    citations: list[Citation]

    @property
    def mixed(self) -> list[Setting]:
        """Tools and parameters that were not the same for all genomes."""
        return [item for item in (*self.versions, *self.parameters) if len(item.values) > 1]


def summarise(cohort: Cohort) -> Summary:
    """Return the summary of a cohort."""
    return Summary(
        total=len(cohort.genomes),
        counts={status: cohort.count(status) for status in STATUSES},
        ranks=_count_ranks(cohort.genomes),
        rank_limits=cohort.rank_limits.most_common(),
        failures=_failures(cohort),
        causes=_group(cohort.with_status("failed", "unreadable")),
        exclusions=_group(cohort.with_status("excluded")),
        findings=_findings(cohort.genomes),
        carried=_carried(cohort.genomes),
        outliers=_outliers(cohort),
        key_numbers=_key_numbers(cohort.with_status("complete")),
        versions=_settings(cohort.versions),
        parameters=_settings(cohort.parameters),
        groups=_fingerprint_groups(cohort.with_status("complete", "excluded")),
        hosts=list(cohort.genomes["host_cpu"].dropna().value_counts().items()),
        citations=cite_cohort(cohort),
    )


def _count_ranks(genomes: pd.DataFrame) -> dict[str, int]:
    counts = texts(genomes, "rank").value_counts()
    return {rank: int(counts[rank]) for rank in RANKS if rank in counts}


def _outliers(cohort: Cohort) -> list[OutlierGroup]:
    """Group outliers by possible explanation, the group with the most extreme first."""
    groups: defaultdict[str, list[Outlier]] = defaultdict(list)
    for outlier in cohort.outliers.found:
        groups[outlier.meaning].append(outlier)
    sample, species = (texts(cohort.genomes, name) for name in ("sample", "species"))
    return [
        OutlierGroup(
            meaning,
            len(group),
            [
                OutlierGenome(sample[one.genome], species[one.genome], one)
                for one in group[:MAX_OUTLIERS]
            ],
        )
        for meaning, group in groups.items()
    ]


def _failures(cohort: Cohort) -> list[ShownFailure]:
    rows = cohort.with_status("failed", "unreadable").head(MAX_FAILURES)
    return [_failure(row, cohort.tails.get(row["sample"], [])) for _, row in rows.iterrows()]


def _failure(row: pd.Series[Any], tail: list[str]) -> ShownFailure:
    text = {name: "" if pd.isna(value) else str(value) for name, value in row.items()}
    return ShownFailure(
        sample=text["sample"],
        stage=text["reason_stage"],
        kind=text["reason_type"],
        message=text["reason_message"],
        exit_code=text["reason_exit_code"],
        attempt=text["reason_attempt"],
        log=text["reason_log"],
        tail=tail[-MAX_TAIL_LINES:],
    )


def _group(rows: pd.DataFrame) -> list[Cause]:
    """Group genomes by kind and stage of what went wrong, the commonest first."""
    kinds, stages = texts(rows, "reason_type"), texts(rows, "reason_stage")
    groups = [
        Cause(
            kind=str(kind),
            stage=str(stage),
            example=str(texts(part, "reason_message").iloc[0]),
            count=len(part),
            names=[str(name) for name in part["sample"].head(MAX_NAMES)],
        )
        for (kind, stage), part in rows.groupby([kinds, stages])
    ]
    return sorted(groups, key=lambda group: -group.count)


def _findings(genomes: pd.DataFrame) -> list[Finding]:
    """Group the genomes whose species is not the expected one, the largest group first."""
    verdicts = texts(genomes, "found_verdict")
    groups = [
        Finding(
            MEANINGS[verdict],
            int((verdicts == verdict).sum()),
            [
                (str(row["sample"]), _describe(row))
                for _, row in genomes[verdicts == verdict].head(MAX_NAMES).iterrows()
            ],
        )
        for verdict in MEANINGS
    ]
    return sorted((group for group in groups if group.count), key=lambda group: -group.count)


def _describe(row: pd.Series[Any]) -> str:
    """Say what a genome was found to be, and what the sheet says."""
    text = {name: "" if pd.isna(value) else str(value) for name, value in row.items()}
    if text["found_species"]:
        found = text["found_species"]
    else:
        found = f"nearest to {text['found_nearest']}, at distance {text['found_distance']}"
    if text["found_second"]:
        found += f" with {float(text['found_second_share']):.1%} {text['found_second']}"
    return f"{found} (sheet: {text['species']})" if text["species"] else found


def _carried(genomes: pd.DataFrame) -> list[Carried]:
    found = []
    for column, heading in _CARRIED:
        cells = genomes[column].dropna()
        counts = Counter(
            name for cell in cells if cell != NONE_FOUND for name in cell.split(LIST_SEPARATOR)
        )
        if len(cells):
            found.append(Carried(heading, len(cells), len(counts), counts.most_common(MAX_CARRIED)))
    return found


def _key_numbers(complete: pd.DataFrame) -> list[MetricSummary]:
    found = []
    for name, heading, factor, style in _KEY_NUMBERS:
        values = numbers(complete, name).dropna() * factor
        if len(values):
            low, median, high = (
                style.format(value) for value in values.quantile([0.05, 0.5, 0.95])
            )
            found.append(MetricSummary(heading, median, low, high))
    return found


def _settings(counts: Counter[tuple[str, str]]) -> list[Setting]:
    names = sorted({name for name, _ in counts})
    return [
        Setting(name, [(value, n) for (key, value), n in counts.most_common() if key == name])
        for name in names
    ]


def _fingerprint_groups(made: pd.DataFrame) -> list[dict[str, Any]]:
    """Count the genomes made with each pair of parameters and container image."""
    pairs = [texts(made, name) for name in ("fingerprint_parameters", "fingerprint_image")]
    counts = pd.concat(pairs, axis=1).value_counts().reset_index()
    return [
        {"parameters": str(parameters), "image": str(image), "count": int(count)}
        for parameters, image, count in counts.itertuples(index=False)
    ]
