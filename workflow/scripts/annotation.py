"""Run the annotation stage of one genome (bactofleet.genome.annotation)."""

import sys

from bactofleet.genome.annotation import run
from bactofleet.genome.stage import run_stage

if __name__ == "__main__":
    sys.exit(run_stage(run))
