"""Troubles that AWS has now and then, by chance: the same for the same seed."""

import random
import subprocess
from pathlib import Path

from aws.emulator.client import EmulatedAWS


def can_mount() -> bool:
    """Say whether a user may mount a disk here, in a namespace of their own."""
    command = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


class Troubles:
    """What can go wrong between a controller and AWS; the controller's keys are in a file."""

    longest_outage_s = 12.0

    def __init__(self, aws: EmulatedAWS, credentials: Path, seed: int) -> None:
        self._aws, self._credentials = aws, credentials
        self._chance = random.Random(seed)

    def log_in(self, access_key: str) -> None:
        """Let the controller have this access key."""
        keys = f"aws_access_key_id = {access_key}\naws_secret_access_key = none\n"
        self._credentials.write_text(f"[default]\n{keys}")

    def fail(self) -> None:
        """A service, or all, answer with an error for some seconds."""
        service = self._chance.choice(["*", "batch:*", "s3:*", "logs:*"])
        status = self._chance.choice([500, 502, 503])
        seconds = self._chance.uniform(2, self.longest_outage_s)
        self._aws.fail(service, status=status, seconds=seconds)

    def disconnect(self) -> None:
        """Connections break."""
        seconds, seed = self._chance.uniform(2, 6), self._chance.randrange(1000)
        self._aws.disconnect("*", seconds=seconds, share=0.7, seed=seed)

    def answer_empty(self) -> None:
        """DescribeJobs does not know what there is."""
        self._aws.answer_empty("batch:DescribeJobs", times=self._chance.randint(1, 4))

    def lose_answers(self) -> None:
        """Jobs are submitted, and the answer is lost; they are not listed at first."""
        self._aws.hide_submitted(seconds=2)
        self._aws.lose_response("batch:SubmitJob", times=1)
