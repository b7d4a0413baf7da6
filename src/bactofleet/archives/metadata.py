"""What ENA and SRA say about an accession: its runs, and why its reads are not available.

A fleet queries these public services as little as possible: not at all if the sample sheet has the
answer, otherwise at most once each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bactofleet.archives.accessions import Query, kind_of
from bactofleet.archives.ena import Ena
from bactofleet.archives.retry import Say, Unavailable
from bactofleet.archives.runs import MODEL_FIELD, PUBLIC, EnaFile, Run
from bactofleet.archives.search.filters import check_access, check_word, find_library_rejections
from bactofleet.archives.sra import Sra
from bactofleet.archives.web import Client
from bactofleet.core.errors import Excluded, MissingInput
from bactofleet.core.samples import Sample, run_of

REASON = "fastq-download"


class Metadata:
    """The known facts about one sample's accession."""

    def __init__(self, sample: Sample, say: Say) -> None:
        self._sample = sample
        self._say = say
        self._answers: dict[str, list[Run]] = {}
        self.notes: list[str] = []
        """Which runs were left out, and why."""

    def find_runs(self) -> list[Run]:
        """Return the runs of the accession that make its genome, in the order of their names.

        Raises `Excluded` if neither archive has any, `Unavailable` if that is not certain, and
        `MissingInput` if the accession belongs to several genomes.
        """
        runs = _of_sheet(self._sample) or self._ask_for_runs()
        return sorted(runs, key=lambda run: run.accession)

    def explain(self) -> None:
        """Raise `Excluded` if the archives, asked if necessary, say why reads are not available."""
        try:
            runs = self.ask("SRA")
            if not runs:
                self._exclude_unknown()
        except Unavailable as fault:
            self._say(f"{fault}; so it is not known whether the reads are public")
            return
        if closed := sorted({run.access for run in runs} - {PUBLIC}):
            self._exclude(f"access to its reads is controlled ({', '.join(closed)})")
        if all(run.is_empty for run in runs):
            self._exclude("SRA has no reads of it")

    def ask(self, archive: str) -> list[Run]:
        """Return an archive's answer, or its earlier one; raise `Unavailable`."""
        if archive not in self._answers:
            ask = self._ask_ena if archive == "ENA" else self._ask_sra
            runs = ask(self._sample.accession)
            # Accessions become parts of paths.
            if not all(kind_of(run.accession) == "run" for run in runs):
                raise Unavailable(f"{archive} names runs in an undocumented form")
            self._answers[archive] = runs
        return self._answers[archive]

    def _ask_for_runs(self) -> list[Run]:
        try:
            if runs := self.ask("ENA"):
                return self._choose(runs)
        except Unavailable as fault:
            self._say(f"{fault}; SRA is asked instead")
        runs = self.ask("SRA")
        if not runs:
            self._exclude_unknown()
        files = () if "ENA" in self._answers else None
        return [replace(run, files=files) for run in self._choose(runs)]

    def _exclude_unknown(self) -> None:
        """Raise `Excluded` if both archives answered that they do not know the accession."""
        if not self.ask("ENA"):
            self._exclude("neither ENA nor SRA has a run of it: withdrawn, or never public")

    def _choose(self, runs: list[Run]) -> list[Run]:
        """Return the runs that a search would take, and note the others."""
        reasons = {run.accession: next(self._find_rejections(run), "") for run in runs}
        if any(not (run.long_reads or reasons[run.accession]) for run in runs):
            reasons |= {
                run.accession: f"its reads are long ({run.platform}), and others are short"
                for run in runs
                if run.long_reads and not reasons[run.accession]
            }
        chosen = [run for run in runs if not reasons[run.accession]]
        if not chosen:
            self._exclude("; ".join(sorted(set(reasons.values()))))
        experiments = sorted({run.experiment or run.accession for run in chosen})
        if len(experiments) > 1:
            accession = self._sample.accession
            raise MissingInput(
                f"{accession} has {len(experiments)} experiments ({', '.join(experiments)}); give "
                f"each a row of the sample sheet, as `bactofleet search {accession}` does"
            )
        self.notes = [
            f"{run}: it is left out: {why}" for run, why in sorted(reasons.items()) if why
        ]
        return chosen

    def _find_rejections(self, run: Run) -> Iterator[str]:
        """Yield why a run is not taken.

        The library is checked only for a sample, which may have libraries of any kind. A user who
        names a run or an experiment has chosen its library.
        """
        if not run.long_reads:
            yield from (reason.detail for reason in check_word("platform", run.platform))
        if kind_of(self._sample.accession) == "sample":
            yield from (reason.detail for reason in find_library_rejections(run))
        yield from (reason.detail for reason in check_access({run.access} - {PUBLIC}))

    def _exclude(self, why: str) -> None:
        raise Excluded(REASON, f"{self._sample.accession} was not fetched: {why}")

    def _ask_ena(self, accession: str) -> list[Run]:
        return Ena(Client(self._say)).describe([accession], MODEL_FIELD)

    def _ask_sra(self, accession: str) -> list[Run]:
        sra = Sra(Client(self._say))
        numbers = sorted(sra.find(Query(accessions=(accession,))))
        runs = sra.describe(numbers) if numbers else []
        if len({run.experiment for run in runs}) < len(numbers):
            raise Unavailable(f"SRA does not describe all experiments of {accession}")
        # SRA describes all runs of an experiment, even if asked for one.
        named = [run for run in runs if accession in run.names]
        if numbers and not named:
            raise Unavailable(f"SRA describes runs, and none of {accession}")
        return [run for run in named if run.accession]


def _of_sheet(sample: Sample) -> list[Run]:
    """Return the runs that the sheet describes, each once."""
    described = zip(sample.fastq, sample.fastq_bytes, sample.fastq_md5, strict=True)
    files = dict.fromkeys(EnaFile(*one) for one in described)
    runs = dict(zip(sample.runs, zip(sample.spots, sample.bases, strict=True), strict=True))
    return [
        Run(run, spots, bases, sample.layout, tuple(f for f in files if run_of(f.path) == run))
        for run, (spots, bases) in runs.items()
    ]
