#!/usr/bin/env python3
"""Drop pairs of which a mate shares a k-mer with the reference."""

import sys
from pathlib import Path

from fastq_files import kmers_of, read_fasta, read_fastq, write_fastq

options = dict(word.split("=") for word in sys.argv[1:] if "=" in word)
if not Path(options["ref"]).exists():
    sys.exit(f"java.lang.RuntimeException: Can't find file {options['ref']}")
k = int(options["k"])
reference = {kmer for _, sequence in read_fasta(options["ref"]) for kmer in kmers_of(sequence, k)}
mates = [read_fastq(options[name]) for name in ("in", "in2") if name in options]
kept = [
    pair
    for pair in zip(*mates, strict=True)
    if not any(reference & set(kmers_of(bases, k)) for _, bases, _ in pair)
]
for name, mate in zip(("out", "out2"), zip(*kept, strict=True), strict=False):
    write_fastq(options[name], mate)
