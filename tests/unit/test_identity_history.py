"""Whatever happens to sheet, files, scratch and receipts: no result belongs to other input."""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from support.stages import Genome

from bactofleet.core import versions
from bactofleet.core.files import fingerprint
from bactofleet.core.identity import Identity, identify
from bactofleet.core.samples import Sample
from bactofleet.genome import publish
from bactofleet.genome.stage import STAGES, Stage
from bactofleet.run.plan import clear_leftovers, find_outdated, make_plan

IMAGE = {"prokka": "1"}


class History(RuleBasedStateMachine):
    """A genome of all stages, made by the plan, the stages and the receipts as they are."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.file = self.root / "x.fna"
        self.clock = 1000
        self.config: dict[str, Any] = {"results": str(self.root / "results"), "redo": "none"}
        self.config["coverage"] = 100
        self.species = ""
        self.made: dict[str, Any] = {}
        """What was in force when the receipt was made."""
        self.starts = 0
        self.stages: dict[str, int] = {}
        """Which start of a stage made what it has in scratch: the order of the files' times."""

    @initialize()
    def begin(self) -> None:
        self.replace_file("first")

    def teardown(self) -> None:
        shutil.rmtree(self.root)

    @property
    def sample(self) -> Sample:
        return Sample("S1", assembly=str(self.file), species=self.species)

    @property
    def parameters(self) -> str:
        return fingerprint({"coverage": self.config["coverage"]})

    @property
    def receipt(self) -> Path:
        return self.root / "results/receipts/S1.json"

    def identify(self, name: str) -> Identity:
        assert name == "S1"
        return identify(self.sample, self.parameters, fingerprint(IMAGE))

    # What a user does.

    @rule(content=st.sampled_from(["first", "other", "longer one"]))
    def replace_file(self, content: str) -> None:
        self.file.write_text(content)
        self.clock += 1
        os.utime(self.file, (self.clock, self.clock))

    @rule(species=st.sampled_from(["", "Escherichia coli", "Staphylococcus aureus"]))
    def correct_species(self, species: str) -> None:
        self.species = species

    @rule(coverage=st.sampled_from([20, 100]))
    def change_option(self, coverage: int) -> None:
        self.config["coverage"] = coverage

    @rule()
    def lose_scratch(self) -> None:
        shutil.rmtree(self.root / "scratch", ignore_errors=True)

    @rule()
    def lose_receipt(self) -> None:
        self.receipt.unlink(missing_ok=True)

    @rule(stages=st.integers(0, len(STAGES)), redo=st.sampled_from(["none", "changed", ["S1"]]))
    def run(self, stages: int, redo: str | list[str]) -> None:
        """Start, and be cut off after so many stages."""
        config = self.config | {"redo": redo}
        plan = make_plan({"S1": self.sample}, config, fingerprint(IMAGE))
        clear_leftovers(plan, self.root / "results", self.root / "scratch")
        if plan.todo:
            self.make(stages)

    def make(self, stages: int) -> None:
        """Make the stages that are not there, or all, as Snakemake does by the times of files."""
        genome = Genome(self.root)
        outdated = find_outdated(["S1"], self.root / "scratch", self.identify)
        genome.identity = lambda: self.identify("S1")  # type: ignore[method-assign]
        newest = 0
        for stage in STAGES[:stages]:
            is_there = (genome.folder(stage) / "stage.json").exists()
            # One that is older than those before it was made of what they had been before.
            if outdated or not is_there or self.stages[stage] < newest:
                self.starts += 1
                self.stages[stage] = self.starts
                self.make_stage(genome, stage)
            newest = max(newest, self.stages[stage])
        if stages == len(STAGES):
            self.made = {"identity": self.identify("S1"), "content": self.file.read_text()}
            shutil.rmtree(self.root / "scratch")

    def make_stage(self, genome: Genome, name: str) -> None:
        def work(stage: Stage) -> None:
            if name == "download":
                stage.record.input = {"kind": "assembly", "read": self.file.read_text()}
                stage.record.input["species"] = self.species

        inputs = list(STAGES[: STAGES.index(name)])
        options = {"results": self.config["results"], "receipt": str(self.receipt)}
        options["coverage"] = self.config["coverage"]
        function = publish.run if name == "publish" else work
        parameters = options if name == "publish" else {}
        assert genome.run(name, function, inputs=inputs, parameters=parameters) == 0

    # What has to hold.

    @invariant()
    def a_receipt_tells_what_its_genome_was_made_of(self) -> None:
        if self.receipt.exists():
            receipt = json.loads(self.receipt.read_text())
            assert receipt["identity"] == self.made["identity"].to_json()
            assert receipt["input"]["read"] == self.made["content"]
            assert receipt["input"]["species"] == self.made["identity"].species
            assert receipt["fingerprint"]["parameters"] == self.made["identity"].parameters

    @invariant()
    def what_no_longer_fits_is_told_and_made_again_when_asked(self) -> None:
        if self.receipt.exists():
            config = self.config | {"redo": "changed"}
            plan = make_plan({"S1": self.sample}, config, fingerprint(IMAGE))
            fits = self.made["identity"] == self.identify("S1")
            assert plan.redo == ([] if fits else ["S1"])


class TestHistory(History.TestCase):  # type: ignore[valid-type,misc]
    """Histories of up to 15 events."""

    settings = settings(max_examples=40, stateful_step_count=15, deadline=None)

    def setUp(self) -> None:
        """Let the image be the same in all of them."""
        self.folder = Path(tempfile.mkdtemp())
        (self.folder / "versions.json").write_text(json.dumps(IMAGE))
        self.before, versions.IMAGE_VERSIONS = (
            versions.IMAGE_VERSIONS,
            self.folder / "versions.json",
        )

    def tearDown(self) -> None:
        """Leave nothing."""
        versions.IMAGE_VERSIONS = self.before
        shutil.rmtree(self.folder)
