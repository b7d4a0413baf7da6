"""Run the download stage of one genome (bactofleet.genome.download)."""

import sys

from bactofleet.genome.download import run
from bactofleet.genome.stage import run_stage

if __name__ == "__main__":
    sys.exit(run_stage(run))
