"""Stage 5, annotation: prokka with Bactopia's options, and BLAST databases of what it found."""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from bactofleet.core.errors import ToolFailure
from bactofleet.genome.reproducible import fix_asn1_date, fix_genbank_date, fix_log
from bactofleet.genome.stage import CONTIGS, Stage, read_record
from bactofleet.genome.tarball import write_tarball

CENTRE = "Bactopia"
# prokka refuses contig names over 37 characters (GenBank's limit).
MAX_CONTIG_NAME = 37
COMPRESSED = ("gff", "gbk", "fna", "faa", "ffn", "sqn", "fsa", "tbl")
PLAIN = ("tsv", "txt")
LOGS = ("log", "err")
PROTEINS = "proteins.faa"
FAKE_TIME = "1980-01-01 00:00:00"
# The genera of Mycoplasmatales and Entomoplasmatales (Mollicutes), old names and new:
# https://lpsn.dsmz.de/class/mollicutes
CODE_4 = frozenset(
    ("Eperythrozoon", "Entomoplasma", "Haemobartonella", "Malacoplasma", "Mesomycoplasma")
    + ("Mesoplasma", "Metamycoplasma", "Mycoplasma", "Mycoplasmoides", "Mycoplasmopsis")
    + ("Spiroplasma", "Ureaplasma", "Williamsoniiplasma")
)
GENUS_DATABASES = re.compile(r"Genera: (.*)")
FEATURES = ("CDS", "rRNA", "tRNA", "tmRNA")


def run(stage: Stage) -> None:
    """Annotate the assembly; publish all of prokka's files and a BLAST database."""
    stage.use("prokka", "prokka database", "prodigal", "aragorn", "barrnap")
    stage.use("blastp", "hmmscan", "tbl2asn")
    assembly = stage.inputs["assembly"]
    species = read_record(assembly).input.get("species") or _found_species(stage)
    # A copy and names without folders, because prokka's log is published and must not contain local
    # paths.
    fasta = f"{stage.sample}.fna"
    shutil.copyfile(assembly / CONTIGS / fasta, stage.work / fasta)
    stage.tools.run(
        ["prokka", *_options(stage, species), "--outdir", "prokka", "--prefix", stage.sample, fasta]
    )
    made = stage.work / "prokka"
    _publish_files(stage, made)
    _publish_blast_databases(stage, made)


def _found_species(stage: Stage) -> str:
    """Return the species that typing found, if it was asked for and found one."""
    found = read_record(stage.inputs["typing"]).found or {}
    return str(found.get("species") or "")


def _options(stage: Stage, species: str) -> list[object]:
    options: list[object] = ["--evalue", stage.parameters["prokka_evalue"]]
    options += ["--coverage", stage.parameters["prokka_coverage"]]
    options += ["--centre", CENTRE, "--cpus", stage.threads]
    # If the name is too long for a locus tag, prokka makes a short one of its own. Bactopia then
    # adds --compliant, which drops contigs below 200 bp and adds genes. We do not, because the
    # annotation would depend on the length of a name.
    if len(f"gnl|{CENTRE}|{stage.sample}_100000") <= MAX_CONTIG_NAME:
        options += ["--locustag", stage.sample]
    options += stage.tool_options("prokka_options")
    if stage.parameters["rfam"]:
        stage.use("cmscan")
        options += ["--rfam"]
    if stage.parameters["proteins"]:
        # A copy, because prokka calls BLAST through a shell, which splits a path at a space.
        shutil.copyfile(stage.find_reference("proteins"), stage.work / PROTEINS)
        options += ["--proteins", PROTEINS]
    genus, _, rest = species.partition(" ")
    if genus:
        options += ["--genus", genus]
        options += ["--species", rest.split()[0]] if rest else []
    # An option, so that genes do not get other names where somebody has filled in the species.
    if stage.parameters["prokka_use_genus"] and genus in _genus_databases(stage):
        options += ["--usegenus"]
    options += ["--gcode", stage.parameters["genetic_code"] or genetic_code(species)]
    return options


def genetic_code(species: str) -> int:
    """Return the number of a species' genetic code: 4, in which UGA is tryptophan, or 11.

    https://www.ncbi.nlm.nih.gov/Taxonomy/Utils/wprintgc.cgi
    """
    return 4 if species.partition(" ")[0] in CODE_4 else 11


def _genus_databases(stage: Stage) -> list[str]:
    """Return the genera for which prokka has a genus database."""
    listing = stage.work / "databases.txt"
    stage.tools.run(["prokka", "--listdb"], stdout=stage.work / "stdout.txt", stderr=listing)
    found = GENUS_DATABASES.search(listing.read_text())
    return found[1].split() if found else []


def _publish_files(stage: Stage, made: Path) -> None:
    for kind in (*COMPRESSED, *PLAIN, *LOGS):
        if not (made / f"{stage.sample}.{kind}").exists():
            raise ToolFailure(f"prokka ended well but made no .{kind} file")
    _fix(made / f"{stage.sample}.gbk", fix_genbank_date)
    _fix(made / f"{stage.sample}.sqn", fix_asn1_date)
    for kind in COMPRESSED:
        path = made / f"{stage.sample}.{kind}"
        target = stage.publish(f"{path.name}.gz")
        target.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    for kind in PLAIN:
        path = made / f"{stage.sample}.{kind}"
        stage.publish(path.name).write_bytes(path.read_bytes())
    for kind in LOGS:
        log = (made / f"{stage.sample}.{kind}").read_text(errors="replace")
        stage.publish(f"logs/{stage.sample}.{kind}").write_text(fix_log(log, stage.folder.parent))
    summary = (made / f"{stage.sample}.txt").read_text()
    counts = dict(line.split(": ", 1) for line in summary.splitlines() if ": " in line)
    stage.record.metrics |= {
        f"annotator_total_{kind.lower()}": int(counts.get(kind, 0)) for kind in FEATURES
    }
    stage.record.multiqc["prokka"] = summary


def _fix(path: Path, fix: Callable[[str], str]) -> None:
    path.write_text(fix(path.read_text()))


def _publish_blast_databases(stage: Stage, made: Path) -> None:
    """Make the databases that Bactopia packs as `<sample>-blastdb.tar.gz`."""
    folder = stage.work / "blastdb"
    folder.mkdir()
    for kind, molecule in (("fna", "nucl"), ("ffn", "nucl"), ("faa", "prot")):
        fasta = made / f"{stage.sample}.{kind}"
        if not fasta.stat().st_size:  # a genome without genes
            continue
        # makeblastdb writes the time into the database; no option prevents it.
        # It resolves relative paths, and splits at spaces of the folder: give it absolute ones.
        stage.tools.run(
            ["faketime", "-f", FAKE_TIME, "makeblastdb", "-in", fasta, "-dbtype", molecule]
            + ["-title", f"{stage.sample}.{kind}", "-out", folder / fasta.name]
        )
    files = {f"blastdb/{path.name}": path for path in folder.iterdir()}
    write_tarball(stage.publish(f"{stage.sample}-blastdb.tar.gz"), files)
