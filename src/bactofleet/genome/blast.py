"""Search an assembly with BLAST, for what a database of genes has of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bactofleet.genome.stage import Stage


def search(
    stage: Stage, fasta: str, query: str, e_value: float, columns: Sequence[str], *options: str
) -> Iterator[list[str]]:
    """Yield the cells of each hit of a query in an assembly that has a BLAST database.

    `fasta` and `query` are files of the stage's work folder; `columns` are names of BLAST's.
    """
    table = stage.work / f"{query}.tsv"
    command = ["blastn", "-query", query, "-db", fasta, "-evalue", e_value, *options]
    stage.tools.run([*command, "-outfmt", " ".join(["6", *columns])], stdout=table)
    # Not by `splitlines`, because a name may hold what Unicode takes for the end of a line.
    for line in table.read_text().split("\n")[:-1]:
        yield line.split("\t")
