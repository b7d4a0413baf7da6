"""Stage 4, typing: what the genome is, by its k-mers, and its resistance and type, by its genes."""

from __future__ import annotations

import shutil
from pathlib import Path

from msgspec.structs import asdict

from bactofleet.core.errors import ToolFailure
from bactofleet.core.references import is_address
from bactofleet.core.versions import find_references
from bactofleet.genome import species
from bactofleet.genome.amrfinder import find_amrfinder
from bactofleet.genome.mlst import find_type
from bactofleet.genome.resistance import find_resistance, organism_of
from bactofleet.genome.stage import CONTIGS, READS, Stage, read_record
from bactofleet.records.receipt import Found

# Bactopia's sketches.
K_OF_SKETCHES = (21, 31)
HASHES = 10_000
# Bactopia's names, whatever the references: without both, its summary skips the genome. It reads
# neither.
SCREEN, SOURMASH = "mash-refseq88-k21.txt", "sourmash-gtdb-rs207-k31.txt"


def run(stage: Stage) -> None:
    """Find the genome's species, its resistance and its sequence type, as far as asked for."""
    # A copy and a name without folders, because tools write the name into their results.
    fasta = f"{stage.sample}.fna"
    shutil.copyfile(stage.inputs["assembly"] / CONTIGS / fasta, stage.work / fasta)
    name = str(read_record(stage.inputs["assembly"]).input.get("species") or "")
    if stage.parameters["species_references"]:
        found = _find_species(stage, fasta, name)
        stage.record.found = asdict(found)
        name = found.species or name
    if stage.parameters["resistance"] or stage.parameters["mlst_schemes"]:
        stage.use("blastp")
        stage.tools.run(["makeblastdb", "-in", fasta, "-dbtype", "nucl"])
    if stage.parameters["resistance"]:
        stage.use("staramr", "resfinder database", "plasmidfinder database")
        if organism_of(name):
            stage.use("pointfinder database")
        stage.record.resistance = asdict(find_resistance(stage, fasta, name))
    if stage.parameters["amrfinder"]:
        stage.record.amrfinder = asdict(find_amrfinder(stage, fasta, name))
    if stage.parameters["mlst_schemes"]:
        stage.record.mlst = asdict(find_type(stage, fasta, name))


def _find_species(stage: Stage, fasta: str, expected: str) -> Found:
    """Sketch the assembly and compare it, and the reads, with genomes of known species."""
    sketch = _find_sketch(stage)
    table = sketch.with_suffix(".tsv")
    if missing := [str(path) for path in (sketch, table) if not path.is_file()]:
        raise ToolFailure(
            f"{' and '.join(missing)} not found (species_references; empty switches this off)"
        )
    stage.use("mash", "species references")
    _sketch(stage, fasta)
    references = species.read_references(table)
    distances, screen = stage.work / "distances.tsv", stage.work / "screen.tsv"
    stage.tools.run(["mash", "dist", sketch, fasta], stdout=distances)
    reads = sorted((stage.inputs["qc"] / READS).glob("*.fastq.gz"))
    if reads:
        command = ["mash", "screen", "-w", "-p", stage.threads, sketch, *reads]
        stage.tools.run(command, stdout=screen)
        _publish_screen(stage, screen)
    assembly = read_record(stage.inputs["assembly"])
    length = int(assembly.metrics["assembler_total_contig_length"])
    neighbours = species.read_distances(distances, references, length)
    if not neighbours:
        raise ToolFailure(f"the table beside {sketch} has no genome of it")
    return species.identify(
        expected=expected,
        neighbours=neighbours,
        contained=species.read_screen(screen, references) if reads else [],
        references=references.values(),
    )


def _find_sketch(stage: Stage) -> Path:
    given = stage.parameters["species_references"]
    if is_address(given):
        return species.list_sketches(stage.find_reference("species_references"))[0]
    return find_references(given).absolute()


def _sketch(stage: Stage, fasta: str) -> None:
    for k in K_OF_SKETCHES:
        name = f"{stage.sample}-k{k}.msh"
        stage.tools.run(["mash", "sketch", "-k", k, "-s", HASHES, "-o", name, fasta])
        shutil.move(stage.work / name, stage.publish(name))


def _publish_screen(stage: Stage, screen: Path) -> None:
    """Publish what the reads contain, most of it first."""
    lines = sorted(screen.read_text().splitlines(), key=lambda line: -float(line.split("\t")[0]))
    header = "identity\tshared-hashes\tmedian-multiplicity\tp-value\tquery-ID\tquery-comment"
    text = "\n".join([header, *lines]) + "\n"
    stage.publish(f"{stage.sample}-{SCREEN}").write_text(text)
    stage.publish(f"{stage.sample}-{SOURMASH}").write_text("sourmash was not run\n")
