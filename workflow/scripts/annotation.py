"""Run the annotation stage of one genome (bactofleet.stages.annotation)."""

import sys

from bactofleet.stage import run_stage
from bactofleet.stages.annotation import run

if __name__ == "__main__":
    sys.exit(run_stage(run))
