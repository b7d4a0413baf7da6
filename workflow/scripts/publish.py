"""Run the publish stage of one genome (bactofleet.genome.publish)."""

import sys

from bactofleet.genome.publish import run
from bactofleet.genome.stage import run_stage

if __name__ == "__main__":
    sys.exit(run_stage(run))
