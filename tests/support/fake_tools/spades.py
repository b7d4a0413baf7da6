#!/usr/bin/env python3
"""Write the contigs that the test gives (FAKE_CONTIGS) where SPAdes writes its own."""

import argparse
import os
import shutil
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("-1", dest="reads", action="append", type=Path)
parser.add_argument("-2", dest="reads", action="append", type=Path)
parser.add_argument("-s", dest="reads", action="append", type=Path)
parser.add_argument("--isolate", action="store_true")
parser.add_argument("--threads", type=int)
parser.add_argument("--memory", type=int)
parser.add_argument("-o", type=Path, required=True)
args = parser.parse_args()
assert all(path.is_file() for path in args.reads)
args.o.mkdir()
shutil.copyfile(os.environ["FAKE_CONTIGS"], args.o / "contigs.fasta")
