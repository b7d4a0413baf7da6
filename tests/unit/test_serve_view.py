"""What one look becomes, and when there is another."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.projects import write_project
from support.serving import wait_for
from support.synthetic_cohort import write_genomes
from support.synthetic_run import submit, write_run
from support.usage import MIDNIGHT, make_row, write_usage

from bactofleet.core.destination import scratch_folder
from bactofleet.core.errors import ConfigurationError
from bactofleet.monitor.page import updater as looking
from bactofleet.monitor.page.genomes import Rows
from bactofleet.monitor.page.updater import ViewUpdater
from bactofleet.monitor.page.view import View, build_view
from bactofleet.records.folder import lock_results

KINDS = ["complete"] * 6 + ["excluded"] + ["failed"] * 3 + ["waiting"] * 10
CONFIG = Path("config/config.yaml")


@pytest.fixture
def samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The samples of a project after a run; the tests work in its folder."""
    monkeypatch.chdir(tmp_path)
    samples = write_genomes(tmp_path / "results", KINDS)
    write_project(tmp_path, samples)
    return samples


@pytest.fixture
def updater(samples: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[ViewUpdater]:
    """One that has begun to look, and hurries."""
    monkeypatch.setattr(looking, "get_pause", lambda _: 0.01)
    updater = ViewUpdater(CONFIG, live=False)
    updater.open()
    updater.start()
    wait_for(lambda: updater.view)
    yield updater


def look() -> View:
    updater = ViewUpdater(CONFIG, live=False)
    updater.open()
    return build_view(updater.observer, updater.observer.look(), Rows())


def test_every_genome_has_the_row_of_its_state(samples: list[str]):
    (scratch_folder("scratch", "results") / samples[-1] / "qc/work").mkdir(parents=True)
    submit(Path("results"), samples[-3:-1])
    with lock_results(Path("results")):
        view = look()

    counts: dict[str, int] = {}
    for row in view.by_sample.values():
        counts[row.status] = counts.get(row.status, 0) + 1
    shown = view.summary["genomes"]
    assert counts == {status: shown[status] for status in counts}
    assert counts["running"] == 1
    assert counts["submitted"] == 2
    assert list(view.by_sample) == samples


def test_a_row_has_what_its_receipt_says(samples: list[str]):
    receipt = json.loads(Path(f"results/receipts/{samples[6]}.json").read_text())
    seconds = sum(stage["seconds"] for stage in receipt["stages"].values())

    row = look().by_sample[samples[6]]

    assert row.status == "excluded"
    assert row.reason == "{type}: {message}".format(**receipt["reason"])
    assert row.minutes == round(seconds / 60, 1)
    assert row.time == receipt["finished"].replace("T", " ").removesuffix("Z")


def test_problems_are_put_together_by_stage_and_kind(samples: list[str]):
    summary = look().summary

    assert sum(group["genomes"] for group in summary["failures"]) == 3
    assert summary["failures"][0]["genomes"] == max(g["genomes"] for g in summary["failures"])
    assert [group["genomes"] for group in summary["exclusions"]] == [1]


def test_facts_have_the_money_and_not_the_counts_of_the_tiles(samples: list[str]):
    write_usage(Path("results"), [make_row(samples[0])])

    facts = dict(look().summary["facts"])

    assert "so far, about" in facts["cost"]
    assert not facts.keys() & {"complete", "failed", "waiting"}


def test_the_timeline_is_of_attempts_where_there_are_any_else_of_receipts(samples: list[str]):
    assert look().summary["timeline"]["of_attempts"] is False

    write_usage(Path("results"), [make_row(samples[0], 0, 3600)])

    timeline = look().summary["timeline"]
    assert timeline["of_attempts"] is True
    assert timeline["begin"] == MIDNIGHT
    assert max(timeline["vcpus"]) == 4


def test_the_histogram_is_of_complete_genomes(samples: list[str]):
    durations = look().summary["durations"]

    assert sum(durations["counts"]) + durations["longer"] == 6


def test_a_project_in_which_nothing_was_done_yet_has_a_view(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    write_project(tmp_path, ["SRX1", "SRX2"])

    summary = look().summary

    assert summary["genomes"]["waiting"] == 2
    assert (summary["timeline"], summary["durations"], summary["failures"]) == (None, None, [])


def test_a_run_of_another_fleet_is_seen_as_it_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path, 300, machines=20, ended=0.5, on_aws=True)

    view = look()

    assert view.summary["genomes"]["submitted"] == 150
    assert 10 < max(view.summary["timeline"]["at_work"]) <= 21


def test_it_rests_while_nobody_asks(updater: ViewUpdater):
    time.sleep(0.1)
    before = updater.view
    time.sleep(0.2)
    assert updater.view is before

    updater.ask()

    wait_for(lambda: updater.view is not before)


def test_a_sheet_that_grows_is_read_again(updater: ViewUpdater):
    with Path("config/samples.tsv").open("a") as sheet:
        sheet.write("SRX999\n")
    updater.ask()

    wait_for(lambda: updater.view and "SRX999" in updater.view.by_sample)


def test_a_sheet_that_is_away_for_a_while_is_reported_and_the_last_look_stays(updater: ViewUpdater):
    sheet = Path("config/samples.tsv")
    before = updater.view
    sheet.rename("kept.tsv")
    updater.ask()
    wait_for(lambda: "samples.tsv" in updater.problem)
    assert updater.view is before

    Path("kept.tsv").rename(sheet)
    updater.ask()

    wait_for(lambda: not updater.problem)


def test_an_error_that_nobody_foresaw_is_reported_and_does_not_end_the_looks(
    updater: ViewUpdater, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    with monkeypatch.context() as patch:
        patch.setattr(updater.observer, "look", lambda: 1 / 0)
        updater.ask()
        wait_for(lambda: "ZeroDivisionError" in updater.problem)
    updater.ask()

    wait_for(lambda: not updater.problem)
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_sheet_that_cannot_be_read_at_the_start_is_an_error(samples: list[str]):
    Path("config/samples.tsv").unlink()

    with pytest.raises(ConfigurationError):
        ViewUpdater(CONFIG, live=False).open()
