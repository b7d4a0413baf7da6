"""What the top of the page says: how many genomes, what is wrong, and whether all are alike."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bactofleet.provenance.citations import Citation, cite_cohort
from bactofleet.report.cohort import STATUSES, Cohort

# A page lists so many failures with their logs; the table has them all.
MAX_FAILURES = 50
MAX_NAMES = 12
MAX_TAIL_LINES = 20

# Column, heading, factor and format of the numbers at a glance.
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
class Failure:
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
class Exclusion:
    """Genomes excluded for the same reason; `names` holds the first of them."""

    kind: str
    stage: str
    example: str
    count: int
    names: list[str]


@dataclass(frozen=True)
class KeyNumber:
    """A metric of the complete genomes: the median, and the 5th and 95th percentile."""

    heading: str
    median: str
    low: str
    high: str


@dataclass(frozen=True)
class Setting:
    """A tool or parameter with each value that it had, and the number of genomes of each."""

    name: str
    values: list[tuple[str, int]]


@dataclass(frozen=True)
class Summary:
    """Everything on the page but the plots and the table."""

    total: int
    counts: dict[str, int]
    failures: list[Failure]
    exclusions: list[Exclusion]
    key_numbers: list[KeyNumber]
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
        failures=_failures(cohort),
        exclusions=_exclusions(cohort.with_status("excluded")),
        key_numbers=_key_numbers(cohort.with_status("complete")),
        versions=_settings(cohort.versions),
        parameters=_settings(cohort.parameters),
        groups=_fingerprint_groups(cohort.with_status("complete", "excluded")),
        hosts=_text(cohort.genomes["host_cpu"].dropna()).value_counts().items(),
        citations=cite_cohort(cohort),
    )


def _text(values: pd.Series[Any]) -> pd.Series[Any]:
    return values.astype(object).where(values.notna(), "")


def _failures(cohort: Cohort) -> list[Failure]:
    rows = cohort.with_status("failed", "unreadable").head(MAX_FAILURES)
    return [_failure(row, cohort.tails.get(row["sample"], [])) for _, row in rows.iterrows()]


def _failure(row: pd.Series[Any], tail: list[str]) -> Failure:
    text = {name: "" if pd.isna(value) else str(value) for name, value in row.items()}
    return Failure(
        sample=text["sample"],
        stage=text["reason_stage"],
        kind=text["reason_type"],
        message=text["reason_message"],
        exit_code=text["reason_exit_code"],
        attempt=text["reason_attempt"],
        log=text["reason_log"],
        tail=tail[-MAX_TAIL_LINES:],
    )


def _exclusions(excluded: pd.DataFrame) -> list[Exclusion]:
    kinds, stages = _text(excluded["reason_type"]), _text(excluded["reason_stage"])
    groups = [
        Exclusion(
            kind=str(kind),
            stage=str(stage),
            example=str(_text(part["reason_message"]).iloc[0]),
            count=len(part),
            names=[str(name) for name in part["sample"].head(MAX_NAMES)],
        )
        for (kind, stage), part in excluded.groupby([kinds, stages])
    ]
    return sorted(groups, key=lambda group: -group.count)


def _key_numbers(complete: pd.DataFrame) -> list[KeyNumber]:
    numbers = []
    for name, heading, factor, style in _KEY_NUMBERS:
        values = pd.to_numeric(complete[name], errors="coerce").astype("float64").dropna() * factor
        if len(values):
            low, median, high = (
                style.format(value) for value in values.quantile([0.05, 0.5, 0.95])
            )
            numbers.append(KeyNumber(heading, median, low, high))
    return numbers


def _settings(counts: Counter[tuple[str, str]]) -> list[Setting]:
    names = sorted({name for name, _ in counts})
    return [
        Setting(name, [(value, n) for (key, value), n in counts.most_common() if key == name])
        for name in names
    ]


def _fingerprint_groups(made: pd.DataFrame) -> list[dict[str, Any]]:
    """Count the genomes made with each pair of parameters and container image."""
    pairs = made[["fingerprint_parameters", "fingerprint_image"]].apply(_text)
    counts = pairs.value_counts().reset_index()
    return [
        {"parameters": str(parameters), "image": str(image), "count": int(count)}
        for parameters, image, count in counts.itertuples(index=False)
    ]
