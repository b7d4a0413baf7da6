"""Run the publish stage of one genome (bactofleet.stages.publish)."""

import sys

from bactofleet.stage import run_stage
from bactofleet.stages.publish import run

if __name__ == "__main__":
    sys.exit(run_stage(run))
