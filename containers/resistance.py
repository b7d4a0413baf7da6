"""Write proteins of a BLAST database as prokka reads them: `resistance.py DATABASE > FASTA`.

AMRFIOR's wheel has NCBI's reference proteins of resistance genes as a BLAST database whose titles
are those of GenBank's coding sequences: `lcl|..._prot_WP_000721306.1_1 [gene=mecA] [protein=...]`.
"""

import re
import subprocess
import sys

# prokka searches them with an E-value of 1e-300, which no shorter protein reaches, not even itself
# (docs/assembly.md). A search takes as long as the database is.
MIN_LENGTH = 400
TITLE = re.compile(
    r"lcl\|\S+_prot_(?P<id>\S+)_\d+ .*\[gene=(?P<gene>[^]]+)\].*\[protein=(?P<product>.+?)\] \["
)


def main(database: str) -> None:
    """Print `>ID EC~~~gene~~~product~~~COG` and the sequence of each protein with a gene.

    Without those that are too short to be found.
    """
    command = ["blastdbcmd", "-db", database, "-entry", "all", "-outfmt", "%t\t%s"]
    for line in subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.splitlines():
        title, _, sequence = line.partition("\t")
        found = TITLE.match(title)
        if found and len(sequence) >= MIN_LENGTH:
            print(f">{found['id']} ~~~{found['gene']}~~~{found['product']}~~~\n{sequence}")


if __name__ == "__main__":
    main(sys.argv[1])
