"""Resistance genes, point mutations and plasmid replicons of an assembly, as staramr finds them.

Databases, cut-offs and readers of BLAST's tables are staramr's. BLAST is run here, because
staramr's own command needs git and a program for MLST.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from staramr.blast.JobHandler import JobHandler
from staramr.blast.plasmidfinder.PlasmidfinderBlastDatabase import PlasmidfinderBlastDatabase
from staramr.blast.pointfinder.PointfinderBlastDatabase import PointfinderBlastDatabase
from staramr.blast.resfinder.ResfinderBlastDatabase import ResfinderBlastDatabase
from staramr.blast.results.plasmidfinder.BlastResultsParserPlasmidfinder import (
    BlastResultsParserPlasmidfinder,
)
from staramr.blast.results.pointfinder.BlastResultsParserPointfinderResistance import (
    BlastResultsParserPointfinderResistance,
)
from staramr.blast.results.resfinder.BlastResultsParserResfinderResistance import (
    BlastResultsParserResfinderResistance,
)
from staramr.databases.exclude.ExcludeGenesList import ExcludeGenesList
from staramr.databases.resistance.cge.CGEDrugTableResfinder import CGEDrugTableResfinder
from staramr.databases.resistance.pointfinder.ARGDrugTablePointfinder import (
    ARGDrugTablePointfinder,
)
from staramr.databases.resistance.pointfinder.complex.ComplexMutations import ComplexMutations
from staramr.databases.resistance.resfinder.ARGDrugTableResfinder import ARGDrugTableResfinder

from bactofleet.core.versions import resistance_databases
from bactofleet.genome.blast import search
from bactofleet.genome.stage import Stage
from bactofleet.records.receipt import Resistance

if TYPE_CHECKING:
    import pandas as pd

TOOL_FOLDER = "tools/staramr"
# Columns of staramr's tables: drugs by the databases' tables, and by its own. Its own are for the
# mutations of the organisms that it has validated, and know combinations.
OF_DATABASE, OF_STARAMR = "CGE Predicted Phenotype", "Predicted Phenotype"
# Defaults of `staramr search`: identity, and overlap with the gene of the database (%).
IDENTITY, OVERLAP, POINT_OVERLAP = 98.0, 60.0, 95.0
# PointFinder's own: 98 % would pass over gyrA of some strains of Staphylococcus aureus.
POINT_IDENTITY = 90.0
E_VALUE = 0.001
START_OF_NAME = re.compile("^>", re.MULTILINE)
# Between the drugs of a phenotype.
SEPARATORS = re.compile("[,;]")
# The part of PointFinder for a species or genus. Left out are Mycobacterium tuberculosis and
# Neisseria gonorrhoeae, whose rRNA genes staramr reads as codons, and Klebsiella, whose gyrA and
# parC differ too much from those of the database, and whose acrR it always calls resistant.
ORGANISMS = {
    "Campylobacter": "campylobacter",
    "Enterococcus faecalis": "enterococcus_faecalis",
    "Enterococcus faecium": "enterococcus_faecium",
    "Escherichia coli": "escherichia_coli",
    "Helicobacter pylori": "helicobacter_pylori",
    "Salmonella": "salmonella",
    "Shigella": "escherichia_coli",
    "Staphylococcus aureus": "staphylococcus_aureus",
}
# They warn of genes that one of the two tables of drugs lacks.
for _table in ("ARGDrugTableResfinder", "ARGDrugTablePointfinder", "CGEDrugTableResfinder"):
    logging.getLogger(_table).setLevel(logging.ERROR)


def organism_of(species: str) -> str | None:
    """Return the part of PointFinder for a species, None if there is none."""
    words = species.split()
    return ORGANISMS.get(" ".join(words[:2])) or ORGANISMS.get(" ".join(words[:1]))


def find_resistance(stage: Stage, fasta: str, species: str) -> Resistance:
    """Search an assembly, of which there is a BLAST database, and publish staramr's tables."""
    genes, replicons = _find_genes(stage, fasta), _find_replicons(stage, fasta)
    organism = organism_of(species)
    mutations = _find_mutations(stage, fasta, organism) if organism else None
    drugs = _drugs(genes[OF_DATABASE])
    if mutations is not None:
        is_validated = organism in PointfinderBlastDatabase.get_available_organisms()
        drugs |= _drugs(_effective(mutations)[OF_STARAMR if is_validated else OF_DATABASE])
    return Resistance(
        genes=_names(genes),
        mutations=None if mutations is None else _names(mutations),
        drugs=tuple(sorted(drugs)),
        replicons=_names(replicons),
        organism=organism,
    )


def _find_genes(stage: Stage, fasta: str) -> pd.DataFrame:
    database = ResfinderBlastDatabase(_folder("resfinder"))
    parser = BlastResultsParserResfinderResistance(
        _blast(stage, fasta, database, "all"),
        ARGDrugTableResfinder(),
        CGEDrugTableResfinder(database.get_phenotypes_file()),
        database,
        IDENTITY,
        OVERLAP,
        genes_to_exclude=ExcludeGenesList().tolist(),
    )
    return _publish(stage, "resfinder", parser)


def _find_mutations(stage: Stage, fasta: str, organism: str) -> pd.DataFrame:
    database = PointfinderBlastDatabase(_folder("pointfinder"), organism)
    parser = BlastResultsParserPointfinderResistance(
        _blast(stage, fasta, database, organism),
        ARGDrugTablePointfinder(),
        database,
        POINT_IDENTITY,
        POINT_OVERLAP,
        complex_mutations=ComplexMutations(),
    )
    return _publish(stage, "pointfinder", parser)


def _find_replicons(stage: Stage, fasta: str) -> pd.DataFrame:
    database = PlasmidfinderBlastDatabase(_folder("plasmidfinder"))
    blast = _blast(stage, fasta, database)
    parser = BlastResultsParserPlasmidfinder(blast, database, IDENTITY, OVERLAP)
    return _publish(stage, "plasmidfinder", parser)


def _folder(database: str) -> str:
    return str(resistance_databases() / database)


def _blast(stage: Stage, fasta: str, database: Any, joined: str = "") -> dict[str, dict[str, str]]:
    """Search the genome with a database; return BLAST's table for each of its files, as staramr.

    All files are one query, as BLAST takes longer to start than to search. `joined` is a file with
    the sequences of all others, which staramr ignores.
    """
    names = sorted(set(database.get_database_names()) - {joined})
    query = f"{database.get_name()}.fsa"
    with (stage.work / query).open("w") as file:
        for i, name in enumerate(names):
            text = Path(database.get_path(name)).read_text()
            # Two files may have genes of one name.
            file.write(START_OF_NAME.sub(f">{i}:", text) + "\n")
    hits: dict[str, list[str]] = {name: [] for name in names}
    for cells in search(stage, fasta, query, E_VALUE, JobHandler.BLAST_COLUMNS):
        numbered, contig, *others = cells
        number, _, gene = numbered.partition(":")
        hits[names[int(number)]].append("\t".join((gene, _hide(contig), *others)) + "\n")
    for name, lines in hits.items():
        (stage.work / f"{name}.tsv").write_text("".join(lines))
    return {fasta: {name: str(stage.work / f"{name}.tsv") for name in names}}


def _hide(contig: str) -> str:
    """Return a name that staramr reads as it is: not `007` as 7, `NA` as missing, a quote as such.

    It would take hits in contigs whose names are the same number for hits in one contig.
    """
    return f"x{contig.encode().hex()}"


def _reveal(name: str) -> str:
    return bytes.fromhex(name[1:]).decode()


def _publish(stage: Stage, name: str, parser: Any) -> pd.DataFrame:
    """Read BLAST's tables, and write what was found as `staramr search` does."""
    found = parser.parse_results()
    found["Contig"] = [_reveal(contig) for contig in found["Contig"]]
    path = stage.publish(f"{stage.sample}-{name}.tsv", TOOL_FOLDER)
    found.to_csv(path, sep="\t", float_format="%0.2f", na_rep="")
    return found


def _names(found: pd.DataFrame) -> tuple[str, ...]:
    return tuple(
        sorted({str(gene) for gene in found["Gene"]}, key=lambda name: (name.lower(), name))
    )


def _drugs(phenotypes: pd.Series[Any]) -> set[str]:
    """Return the drugs of predicted phenotypes; the databases write names in several ways."""
    drugs = {
        drug.strip().lower() for text in phenotypes.dropna() for drug in SEPARATORS.split(text)
    }
    return {drug for drug in drugs if drug and not drug.startswith("unknown")}


def _effective(mutations: pd.DataFrame) -> pd.DataFrame:
    """Return the mutations that give resistance by themselves or with others that are there."""
    present = {name.replace(" (", "_").rstrip(")") for name in _names(mutations)}
    required = mutations["CGE Required Mutation"].fillna("")
    return mutations.loc[[is_met(text, present) for text in required]]


def is_met(required: str, present: Iterable[str]) -> bool:
    """Tell whether the mutations that PointFinder requires with another one are there.

    `gyrA_S83Y.F;gyrA_S84L,grlA_S80F`: S83Y or S83F of gyrA, or both S84L of gyrA and S80F of grlA.
    A mutation with several entries, one of which requires nothing, has an empty alternative.
    """
    there = set(present)
    return any(
        not group.strip() or all(_alternatives(one) & there for one in group.split(","))
        for group in required.split(";")
    )


def _alternatives(mutation: str) -> set[str]:
    first, *residues = mutation.strip().split(".")
    return {first, *(first[:-1] + residue for residue in residues)}
