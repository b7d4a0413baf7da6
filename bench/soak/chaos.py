"""Everything that goes wrong on AWS now and then, by chance: the same for the same seed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from aws.emulator import provision
from aws.emulator.client import EmulatedAWS
from aws.troubles import Troubles
from machines import Machine

SHOWS = ("host", "143", "137", "fargate")
JUMPS_S = (-900, -60, 0, 60, 900)
# Children of one array that a reclaim may hit.
INDICES = 200


class Chaos(Troubles):
    """Lets one thing after the other go wrong; `choose` returns the machine of a controller."""

    def __init__(
        self,
        aws: EmulatedAWS,
        credentials: Path,
        seed: int,
        choose: Callable[[float], Machine | None],
        longest_outage_s: float,
    ) -> None:
        super().__init__(aws, credentials, seed)
        self.longest_outage_s = longest_outage_s
        self._choose = choose
        self.log_in(provision.CONTROLLER_KEY)
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
            self.fill_disk,
            self.jump_clock,
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
        if machine := self._choose(self._chance.random()):
            machine.lose()

    def fill_disk(self) -> None:
        """The disk of a controller is full for some seconds."""
        seconds = self._chance.uniform(1, 6)
        if machine := self._choose(self._chance.random()):
            with machine.filled():
                time.sleep(seconds)

    def jump_clock(self) -> None:
        """The clock of a controller goes forwards or backwards, and stays so."""
        seconds = self._chance.choice(JUMPS_S)
        if machine := self._choose(self._chance.random()):
            machine.set_clock(seconds)

    def throttle(self) -> None:
        """Some seconds with five requests per second."""
        self._aws.throttle(self._chance.choice(["batch:*", "s3:*"]), per_second=5)
        time.sleep(self._chance.uniform(1, 4))
        self._aws.clear_faults()

    def lose_answers(self) -> None:
        """Requests take effect, and their answers are lost."""
        super().lose_answers()
        self._aws.lose_response("s3:PutObject", times=self._chance.randint(1, 3))

    def expire_token(self) -> None:
        """The token expires, and is renewed some seconds later."""
        self.log_in(provision.CONTROLLER_KEY)
        self._aws.expire_token()
        time.sleep(self._chance.uniform(1, 4))
        self.log_in(provision.RENEWED_KEY)

    def refuse_pull(self) -> None:
        """An image cannot be pulled in time."""
        index = self._chance.randrange(INDICES)
        self._aws.refuse_pull(index=index, attempts=[1], says="dial tcp: i/o timeout")
