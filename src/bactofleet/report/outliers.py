"""Complete genomes that are far from the others of their species.

The distance is the modified z-score of Iglewicz and Hoaglin, 0.6745 (x - median) / MAD, where MAD
is the median absolute deviation from the median. Unlike mean and standard deviation, it is not
affected by the outliers themselves. A value beyond 3.5 is an outlier (How to detect and handle
outliers, ASQC 1993; https://www.itl.nist.gov/div898/handbook/eda/section3/eda35h.htm).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from bactofleet.report.values import numbers, texts

FAR = 3.5
# MAD of a normal distribution, in standard deviations.
MAD_PER_DEVIATION = 0.6745
# Fewer genomes do not show what is usual.
MIN_GENOMES = 20
# If a larger share were outliers, there would be not one usual range but two.
MAX_SHARE = 0.25
NO_SPECIES = "species not given"


@dataclass(frozen=True)
class Metric:
    """A property of a genome that is compared.

    All but GC are compared as natural logarithms, because they vary by factors. `least` is the
    smallest spread that is assumed, so that a negligible difference between clones does not make
    an outlier: percentage points of GC, otherwise a share of the value. `sides` are the directions
    (`high`, `low`) in which a genome can be an outlier. `by_reads` compares genomes with long reads
    only with each other, as these give far fewer and longer contigs.
    """

    name: str
    read: Callable[[pd.DataFrame], pd.Series[float]]
    least: float
    sides: tuple[str, ...]
    show: Callable[[float], str]
    is_log: bool = True
    by_species: bool = True
    by_reads: bool = False


def _column(name: str) -> Callable[[pd.DataFrame], pd.Series[float]]:
    return lambda genomes: numbers(genomes, name)


def _size_over_expected(genomes: pd.DataFrame) -> pd.Series[float]:
    return numbers(genomes, "assembler_total_contig_length") / numbers(genomes, "genome_size")


METRICS = (
    Metric(
        "size",
        _column("assembler_total_contig_length"),
        0.01,
        ("high", "low"),
        lambda bases: f"{bases / 1e6:.2f} Mb",
    ),
    Metric(
        "size against expected",
        _size_over_expected,
        0.02,
        ("high", "low"),
        lambda ratio: f"{100 * (ratio - 1):+.0f} %",
        by_species=False,
    ),
    Metric(
        "GC",
        _column("assembler_gc_percent"),
        0.1,
        ("high", "low"),
        lambda percent: f"{percent:.1f} %",
        is_log=False,
    ),
    Metric(
        "CDS", _column("annotator_total_cds"), 0.01, ("high", "low"), lambda genes: f"{genes:,.0f}"
    ),
    Metric(
        "contigs",
        _column("assembler_total_contig"),
        0.25,
        ("high",),
        lambda n: f"{n:,.0f}",
        by_reads=True,
    ),
    Metric(
        "N50",
        _column("assembler_n50_contig_length"),
        0.25,
        ("low",),
        lambda bases: f"{bases / 1e3:,.1f} kb",
        by_reads=True,
    ),
    # Before downsampling, which gives all deep genomes the same depth.
    Metric(
        "depth", _column("qc_original_coverage"), 0.25, ("low",), lambda depth: f"{depth:,.0f}x"
    ),
)

_GC = {"GC high", "GC low"}
_LARGE = {"size high", "size against expected high"}
_SMALL = {"size low", "size against expected low"}
_BROKEN = {"contigs high", "N50 low"}
# Possible explanations. An entry fits an outlier with one sign of each set; the first counts.
MEANINGS = (
    ((_GC, _BROKEN), "Contaminated: a second species in the sample"),
    ((_GC,), "Not the species in the sample sheet"),
    ((_LARGE,), "Contaminated or mixed: more than one genome in the sample"),
    ((_SMALL,), "Incomplete: part of the genome is missing"),
    (({"depth low"},), "Low sequencing depth"),
    ((_BROKEN,), "Fragmented: a poor library, or a mixture of strains"),
    (({"CDS high", "CDS low"},), "Genes disrupted by sequence errors, or another species"),
)


@dataclass(frozen=True)
class Deviation:
    """An unusual property of a genome, such as `GC high`, its value, and the usual range."""

    name: str
    value: str
    low: str
    high: str
    score: float


@dataclass(frozen=True)
class Outlier:
    """A genome, by its row number, and its unusual properties, the most extreme first."""

    genome: int
    deviations: list[Deviation]

    @property
    def score(self) -> float:
        """Largest absolute modified z-score."""
        return self.deviations[0].score

    @property
    def names(self) -> str:
        """Names of the unusual properties."""
        return "; ".join(deviation.name for deviation in self.deviations)

    @property
    def meaning(self) -> str:
        """Possible explanation."""
        names = {deviation.name for deviation in self.deviations}
        return next(meaning for signs, meaning in MEANINGS if all(one & names for one in signs))


@dataclass(frozen=True)
class Outliers:
    """The outliers of a cohort, the most extreme first.

    `judged` counts the genomes that were compared with others. `mixed` names the metrics and
    species that were not compared, because they have more than one usual range.
    """

    found: list[Outlier] = field(default_factory=list)
    judged: int = 0
    mixed: list[str] = field(default_factory=list)


def find_outliers(genomes: pd.DataFrame) -> Outliers:
    """Compare the complete genomes of each species; O(n log n) for n genomes."""
    complete = genomes[genomes["status"] == "complete"]
    deviations: defaultdict[int, list[Deviation]] = defaultdict(list)
    judged: set[int] = set()
    mixed = []
    for metric in METRICS:
        values = metric.read(complete)
        for group, known in values[values > 0].groupby(_group(metric, complete)):
            if len(known) < MIN_GENOMES:
                continue
            judged.update(known.index)
            far = _compare(metric, known)
            if len(far) > MAX_SHARE * len(known):
                mixed.append(f"{metric.name} ({group})")
                continue
            for genome, deviation in far.items():
                deviations[genome].append(deviation)
    found = [
        Outlier(genome, sorted(of_it, key=lambda deviation: -deviation.score))
        for genome, of_it in deviations.items()
    ]
    found.sort(key=lambda outlier: (-outlier.score, outlier.genome))
    return Outliers(found, len(judged), mixed)


def _group(metric: Metric, genomes: pd.DataFrame) -> pd.Series[str]:
    """Return the group in which each genome is compared."""
    if not metric.by_species:
        return pd.Series("all genomes", genomes.index)
    species = texts(genomes, "species", NO_SPECIES)
    has_long = numbers(genomes, "qc_long_final_total_bp") > 0
    return species.mask(has_long, species + ", long reads") if metric.by_reads else species


def outlier_columns(genomes: pd.DataFrame, outliers: Outliers) -> pd.DataFrame:
    """Return the columns that describe outliers, with values only for these."""
    found = {one.genome: (one.names, round(one.score, 1), one.meaning) for one in outliers.found}
    types = {"outlier": "string", "outlier_score": "Float64", "outlier_meaning": "string"}
    columns = pd.DataFrame.from_dict(found, orient="index", columns=list(types))
    return columns.reindex(genomes.index).astype(types)


def find_strays(genomes: pd.DataFrame) -> pd.Index:
    """Return the complete genomes whose size and GC together are usual for no species here.

    An outlier that is among them is not of another species of the cohort, but between two.
    """
    complete = genomes[genomes["status"] == "complete"]
    shape = {metric: metric.read(complete) for metric in METRICS if metric.name in ("size", "GC")}
    fits_any = pd.Series(False, complete.index)
    for members in complete.groupby(texts(complete, "species", NO_SPECIES)).groups.values():
        if len(members) < MIN_GENOMES:
            continue
        fits = pd.Series(True, complete.index)
        for metric, values in shape.items():
            low, high = _usual_range(metric, values[members][values[members] > 0])
            fits &= values.between(low, high)
        fits_any |= fits
    return complete.index[~fits_any]


def _centre(metric: Metric, values: pd.Series[float]) -> tuple[pd.Series[float], float, float]:
    """Return the values as they are compared, their median and their spread."""
    compared = np.log(values) if metric.is_log else values
    median = compared.median()
    spread = max((compared - median).abs().median() / MAD_PER_DEVIATION, metric.least)
    return compared, median, spread


def _usual_range(metric: Metric, values: pd.Series[float]) -> tuple[float, float]:
    """Return the values between which a genome is no outlier of the group."""
    _, median, spread = _centre(metric, values)
    low, high = median - FAR * spread, median + FAR * spread
    return (float(np.exp(low)), float(np.exp(high))) if metric.is_log else (low, high)


def _compare(metric: Metric, values: pd.Series[float]) -> dict[int, Deviation]:
    """Return the outliers of one group by row number."""
    compared, median, spread = _centre(metric, values)
    scores = (compared - median) / spread
    low, high = map(metric.show, _usual_range(metric, values))
    return {
        genome: Deviation(
            f"{metric.name} {side}", metric.show(values[genome]), low, high, abs(score)
        )
        for genome, score in scores[scores.abs() > FAR].items()
        if (side := "high" if score > 0 else "low") in metric.sides
    }
