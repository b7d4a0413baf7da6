"""An experiment and its runs, from what an archive says of the runs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from bactofleet.core.samples import FASTQ_COLUMNS, SEPARATOR, Row

# The names that ENA's Portal API has for them (result read_run):
# https://www.ebi.ac.uk/ena/portal/api/returnFields?result=read_run
NAME_FIELDS = (
    "run_accession",
    "experiment_accession",
    "sample_accession",
    "secondary_sample_accession",
    "study_accession",
    "secondary_study_accession",
)
FILE_FIELDS = ("fastq_ftp", "fastq_md5", "fastq_bytes")
FIELDS = (
    *NAME_FIELDS,
    "tax_id",
    "scientific_name",
    "instrument_platform",
    "library_layout",
    "library_source",
    "library_strategy",
    "library_selection",
    "read_count",
    "base_count",
    *FILE_FIELDS,
)
# The columns of the sheet that a search fills.
COLUMNS = (
    *("sample", "accession", "genome_size", "species", "runs", "layout", "spots", "bases"),
    *FASTQ_COLUMNS,
)
# `[Clostridium] innocuum` is a genus that taxonomists doubt; what follows the species is dropped.
SPECIES = re.compile(r"\[?([A-Z][a-z]+)\]?( [a-z]+)?(?![\w.-])", re.A)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of an experiment."""

    accession: str
    spots: int
    """Reads, or pairs of them; 0 where the archive does not say."""
    bases: int
    files: tuple[str, ...]
    """ENA's FASTQ files, their MD5 and bytes, each separated by semicolons; or nothing."""


@dataclass(slots=True)
class Experiment:
    """What was made of one library on one instrument, by as many runs as it took."""

    accession: str
    platform: str
    layout: str
    source: str
    strategy: str
    selection: str
    tax_id: str
    scientific_name: str
    names: set[str]
    """Every accession by which someone may have named it."""
    runs: list[Run] = field(default_factory=list)

    @property
    def spots(self) -> int:
        """Reads, or pairs of them, of all runs."""
        return sum(run.spots for run in self.runs)

    @property
    def bases(self) -> int:
        """Base pairs of all runs."""
        return sum(run.bases for run in self.runs)

    @property
    def read_length(self) -> float:
        """Mean length of a read in bp; 0 where the archive does not say how many there are."""
        mates = 2 if self.layout == "PAIRED" else 1
        return self.bases / (self.spots * mates) if self.spots else 0


def group_runs(records: Iterable[dict[str, str]]) -> list[Experiment]:
    """Return the experiments of runs, each described by a value for every one of `FIELDS`."""
    experiments: dict[str, Experiment] = {}
    for record in records:
        name = record["experiment_accession"]
        experiment = experiments.setdefault(name, _to_experiment(record))
        experiment.names.update(record[name] for name in NAME_FIELDS if record[name])
        experiment.runs.append(_to_run(record))
    for experiment in experiments.values():
        experiment.runs.sort(key=lambda run: run.accession)
    return list(experiments.values())


def to_row(experiment: Experiment, genome_size: int) -> Row:
    """Return an experiment's row of the sheet, without empty cells."""
    runs = experiment.runs
    # An experiment of which ENA lacks a run would be a genome of half its reads.
    files = zip(*(run.files for run in runs), strict=True) if all(run.files for run in runs) else ()
    row = {
        "sample": experiment.accession,
        "accession": experiment.accession,
        "genome_size": str(genome_size or ""),
        "species": species_of(experiment.scientific_name),
        "layout": experiment.layout.lower(),
        "runs": SEPARATOR.join(run.accession for run in runs),
        "spots": SEPARATOR.join(str(run.spots) for run in runs),
        "bases": SEPARATOR.join(str(run.bases) for run in runs),
        **dict(zip(FASTQ_COLUMNS, map(SEPARATOR.join, files), strict=False)),
    }
    return {column: value for column, value in row.items() if value}


def species_of(scientific_name: str) -> str:
    """Return genus and species, or the genus, of a name in the taxonomy; empty for other names.

    `Salmonella enterica subsp. enterica serovar Typhi` is `Salmonella enterica`, `Listeria sp. X`
    is `Listeria`, `uncultured bacterium` is nothing.
    """
    match = SPECIES.match(scientific_name.removeprefix("Candidatus "))
    return match[1] + (match[2] or "") if match else ""


def _to_experiment(record: dict[str, str]) -> Experiment:
    return Experiment(
        accession=record["experiment_accession"],
        platform=record["instrument_platform"],
        layout=record["library_layout"],
        source=record["library_source"],
        strategy=record["library_strategy"],
        selection=record["library_selection"],
        tax_id=record["tax_id"],
        scientific_name=record["scientific_name"],
        names=set(),
    )


def _to_run(record: dict[str, str]) -> Run:
    files = [record[name].strip(SEPARATOR) for name in FILE_FIELDS]
    in_step = len({cell.count(SEPARATOR) for cell in files}) == 1 and all(files)
    return Run(
        accession=record["run_accession"],
        spots=int(record["read_count"] or 0),
        bases=int(record["base_count"] or 0),
        files=tuple(files) if in_step else (),
    )
