"""Run the assembly stage of one genome (bactofleet.genome.assembly)."""

import sys

from bactofleet.genome.assembly import run
from bactofleet.genome.stage import run_stage

if __name__ == "__main__":
    sys.exit(run_stage(run))
