"""Run the qc stage of one genome (bactofleet.genome.qc)."""

import sys

from bactofleet.genome.qc import run
from bactofleet.genome.stage import run_stage

if __name__ == "__main__":
    sys.exit(run_stage(run))
