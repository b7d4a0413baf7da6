"""Everything that goes wrong on AWS now and then, by chance: the same for the same seed."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from emulator import provision
from emulator.client import EmulatedAWS

SHOWS = ("host", "143", "137", "fargate")
# Children of one array that a reclaim may hit.
INDICES = 200


class Chaos:
    """Lets one thing after the other go wrong; `kill` ends a controller."""

    def __init__(
        self, aws: EmulatedAWS, credentials: Path, seed: int, kill: Callable[[float], None]
    ) -> None:
        self._aws, self._credentials, self._kill = aws, credentials, kill
        self._chance = random.Random(seed)  # noqa: S311 - no secret
        self._log_in(provision.CONTROLLER_KEY)
        self.done: Counter[str] = Counter()
        self._acts = [
            self.reclaim,
            self.reclaim,
            self.kill_controller,
            self.fail,
            self.throttle,
            self.disconnect,
            self.answer_empty,
            self.lose_answers,
            self.expire_token,
            self.refuse_pull,
        ]

    def happen(self) -> None:
        """Let the next thing go wrong, each kind as often as the others."""
        left = min((self.done[act.__name__] for act in self._acts), default=0)
        rare = [act for act in self._acts if self.done[act.__name__] <= left + 1]
        act = self._chance.choice(rare)
        self.done[act.__name__] += 1
        act()

    def reclaim(self) -> None:
        """A host goes, and shows as one of its forms."""
        shows, index = self._chance.choice(SHOWS), self._chance.randrange(INDICES)
        after_s = self._chance.uniform(0, 2)
        self._aws.reclaim(index=index, attempts=[1, 2], shows=shows, after_s=after_s)

    def kill_controller(self) -> None:
        """The host of a controller goes."""
        self._kill(self._chance.random())

    def fail(self) -> None:
        """A service, or all, answer with an error for some seconds."""
        service = self._chance.choice(["*", "batch:*", "s3:*", "logs:*"])
        status, seconds = self._chance.choice([500, 502, 503]), self._chance.uniform(2, 20)
        self._aws.fail(service, status=status, seconds=seconds)

    def throttle(self) -> None:
        """Some seconds with five requests per second."""
        self._aws.throttle(self._chance.choice(["batch:*", "s3:*"]), per_second=5)
        time.sleep(self._chance.uniform(1, 4))
        self._aws.clear_faults()

    def disconnect(self) -> None:
        """Connections break."""
        seconds, seed = self._chance.uniform(2, 6), self._chance.randrange(1000)
        self._aws.disconnect("*", seconds=seconds, share=0.7, seed=seed)

    def answer_empty(self) -> None:
        """DescribeJobs does not know what there is."""
        self._aws.answer_empty("batch:DescribeJobs", times=self._chance.randint(1, 4))

    def lose_answers(self) -> None:
        """Requests take effect, and their answers are lost."""
        self._aws.hide_submitted(seconds=2)
        self._aws.lose_response("batch:SubmitJob", times=1)
        self._aws.lose_response("s3:PutObject", times=self._chance.randint(1, 3))

    def expire_token(self) -> None:
        """The token expires, and is renewed some seconds later."""
        self._log_in(provision.CONTROLLER_KEY)
        self._aws.expire_token()
        time.sleep(self._chance.uniform(1, 4))
        self._log_in(provision.RENEWED_KEY)

    def refuse_pull(self) -> None:
        """An image cannot be pulled in time."""
        index = self._chance.randrange(INDICES)
        self._aws.refuse_pull(index=index, attempts=[1], says="dial tcp: i/o timeout")

    def _log_in(self, access_key: str) -> None:
        keys = f"aws_access_key_id = {access_key}\naws_secret_access_key = none\n"
        self._credentials.write_text(f"[default]\n{keys}")
