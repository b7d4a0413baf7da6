"""The user's FASTA file of proteins, checked before a run: prokka reads it hours later."""

from __future__ import annotations

from pathlib import Path

GZIP = b"\x1f\x8b"
# Enough to tell proteins from genes.
HEAD_BYTES = 1 << 16
# Nucleotides, including N. They are letters of amino acids too, but no protein has only these.
NUCLEOTIDES = frozenset("ACGTUN")


def find_fault(path: Path) -> str:
    """Describe what is wrong with a file of proteins; "" if nothing is."""
    if not path.is_file():
        is_folder = path.is_dir()
        return (
            f"{str(path)!r} is a folder; name a file"
            if is_folder
            else f"there is no file {str(path)!r}"
        )
    with path.open("rb") as handle:
        head = handle.read(HEAD_BYTES)
    if head.startswith(GZIP):
        return f"{str(path)!r} is compressed; unpack it (gunzip)"
    lines = head.decode("utf-8", "replace").split("\n")
    if not lines[0].startswith(">"):
        return f"{str(path)!r} is not FASTA: it does not begin with '>'"
    letters = {letter for line in lines if not line.startswith(">") for letter in line.upper()}
    if not (residues := {letter for letter in letters if letter.isalpha()}):
        return f"{str(path)!r} holds no sequence"
    if residues <= NUCLEOTIDES:
        return f"{str(path)!r} holds nucleotides; give the amino acids of proteins"
    return ""
