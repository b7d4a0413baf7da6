"""An experiment with its runs, and its row of the sheet."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from bactofleet.archives.runs import PUBLIC, Run
from bactofleet.core.samples import ARCHIVE_COLUMNS, CANDIDATUS, FASTQ_COLUMNS, SEPARATOR, Row

# Columns of the sheet that a search fills.
COLUMNS = (
    *("sample", "accession", "genome_size", "species", "runs", "layout", "spots", "bases"),
    *FASTQ_COLUMNS,
)
# Brackets mark a doubtful genus (`[Clostridium] innocuum`); what follows the species is dropped.
SPECIES = re.compile(r"\[?([A-Z][a-z]+)\]?( [a-z]+)?(?![\w.-])", re.A)


@dataclass(slots=True)
class Experiment:
    """The runs of one library on one instrument."""

    accession: str
    library: Run
    """The first of its runs; library and instrument are the same for all."""
    names: set[str] = field(default_factory=set)
    """Every accession by which someone may have named it."""
    runs: list[Run] = field(default_factory=list)
    """Those that are public, in the order of their names."""
    closed_to: set[str] = field(default_factory=set)
    """The groups that must consent to the use of its other runs."""

    @property
    def spots(self) -> int:
        """Number of reads, or of pairs, in all runs."""
        return sum(run.spots for run in self.runs)

    @property
    def bases(self) -> int:
        """Number of base pairs in all runs."""
        return sum(run.bases for run in self.runs)

    @property
    def read_length(self) -> float:
        """Mean length of a read in bp; 0 if the archive does not give the number of reads."""
        mates = 2 if self.library.layout == "paired" else 1
        return self.bases / (self.spots * mates) if self.spots else 0


def group_runs(runs: Iterable[Run]) -> list[Experiment]:
    """Group runs by experiment; a run without an experiment becomes its own."""
    experiments: dict[str, Experiment] = {}
    for run in sorted(runs, key=lambda run: run.accession):
        name = run.experiment or run.accession
        experiment = experiments.setdefault(name, Experiment(name, run))
        experiment.names |= run.names
        if run.access != PUBLIC:
            experiment.closed_to.add(run.access)
        elif run.accession:
            experiment.runs.append(run)
    return list(experiments.values())


def to_row(experiment: Experiment, genome_size: int) -> Row:
    """Return an experiment's row of the sheet, without empty cells.

    The columns of runs do not say that reads are long: jobs of such rows ask the archives.
    """
    runs = experiment.runs
    # If ENA lacked a run of an experiment, the genome would have only part of its reads.
    files = [file for run in runs for file in run.files or ()] if all(r.files for r in runs) else []
    row = {
        "sample": experiment.accession,
        "accession": experiment.accession,
        "genome_size": str(genome_size or ""),
        "species": species_of(experiment.library.scientific_name),
        "layout": experiment.library.layout,
        "runs": _join(run.accession for run in runs),
        "spots": _join(run.spots for run in runs),
        "bases": _join(run.bases for run in runs),
        "fastq": _join(file.path for file in files),
        "fastq_md5": _join(file.md5 for file in files),
        "fastq_bytes": _join(file.bytes for file in files),
    }
    left_out = ARCHIVE_COLUMNS if experiment.library.long_reads else ()
    return {column: value for column, value in row.items() if value and column not in left_out}


def species_of(scientific_name: str) -> str:
    """Return genus and species, or only the genus, of a taxonomic name; "" for other names.

    `Salmonella enterica subsp. enterica serovar Typhi` is `Salmonella enterica`, `Listeria sp. X`
    is `Listeria`, `uncultured bacterium` is nothing.
    """
    match = SPECIES.match(CANDIDATUS.sub("", scientific_name))
    return match[1] + (match[2] or "") if match else ""


def _join(values: Iterable[object]) -> str:
    return SEPARATOR.join(map(str, values))
