"""`max_cost` holds: fewer genomes are begun than it pays for, and none once it is reached."""

import threading
from pathlib import Path
from typing import Any

import pytest
from support.pilots import PARAMETERS, make_receipt, write_receipts
from support.usage import make_row, write_usage

from bactofleet.core.errors import ConfigurationError
from bactofleet.core.samples import Sample
from bactofleet.cost.forecast import Range
from bactofleet.run import budget
from bactofleet.run.budget import Guard, count_affordable, price_plan
from bactofleet.run.plan import Plan
from snakemake_executor_plugin_aws_batch_array.ledger import Ledger, OpenChild
from snakemake_executor_plugin_aws_batch_array.paths import LEDGER

CONFIG = PARAMETERS | {"threads": 4, "max_cost": None}
NAMES = [f"S{i}" for i in range(100)]
# Attempts of an hour on m6i.xlarge cost more than this in all, and less than 1.2 times that.
SPOT_HOUR = 0.048 * 4 * 0.45


def dollars(genomes: int) -> Range:
    """Each costs a dollar, half of it or two."""
    return Range(genomes, genomes / 2, genomes * 2)


def plan_for(names: list[str]) -> Plan:
    return Plan(len(names), [], {}, {}, [], [], names)


def price(results: Path, names: list[str] = NAMES, **changes: Any) -> tuple[Plan, list[str]]:
    samples = {name: Sample(name) for name in names}
    return price_plan(plan_for(names), samples, CONFIG | changes, results)


def spend(results: Path, hours: int, on: str = "i") -> None:
    rows = [make_row(f"X{i}", 0, 3600, instance_id=f"{on}-{i}") for i in range(hours)]
    write_usage(results, rows)


@pytest.fixture
def submitted(tmp_path: Path) -> list[str]:
    """Genomes that an earlier controller has submitted; each a job."""
    names = ["S97", "S98", "S99"]
    (tmp_path / LEDGER).parent.mkdir()
    ledger = Ledger(tmp_path / LEDGER)
    children = [OpenChild(name, f"results/receipts/{name}.json") for name in names]
    ledger.open_run("prefix", "definition")
    ledger.open_array("array", "prefix", "queue", children)
    ledger.record_job("array", "id")
    return names


# --- how many genomes a limit pays for ------------------------------------------------------------


def test_as_many_genomes_are_begun_as_are_paid_for_if_they_cost_what_they_may_at_most():
    affordable = count_affordable(10.0, 2.0, dollars, 6, committed=0)

    assert (affordable.genomes, affordable.at_most, affordable.total) == (4, 6, 6)
    assert affordable.describe() == (
        "max_cost: $10.00: $2.00 spent; the rest is enough for 4 to 6 of the 6 genomes. This run "
        "makes 4. Start the same command again to continue with the rest of the money"
    )


def test_a_limit_that_is_far_away_changes_nothing():
    affordable = count_affordable(100.0, 2.0, dollars, 3, committed=0)

    assert affordable.genomes == 3
    assert affordable.describe() == (
        "max_cost: $100.00: $2.00 spent; the rest is enough for all 3 genomes"
    )


@pytest.mark.parametrize("spent", [9.0, 10.0, 12.5])
def test_nothing_is_begun_when_not_even_one_genome_is_paid_for(spent: float):
    affordable = count_affordable(10.0, spent, dollars, 3, committed=0)

    assert affordable.genomes == 0
    assert (
        "the rest is not enough for any of the 3 genomes. Raise max_cost" in affordable.describe()
    )


def test_what_was_submitted_before_is_made_whatever_is_left():
    assert count_affordable(10.0, 12.0, dollars, 3, committed=2).genomes == 2


# --- the plan -------------------------------------------------------------------------------------


def test_without_a_limit_the_plan_stays_and_its_cost_is_reported(tmp_path: Path):
    plan, (line,) = price(tmp_path)

    assert plan.todo == NAMES
    assert line.startswith("forecast: $")


def test_a_plan_is_cut_to_the_first_genomes_of_the_sheet(tmp_path: Path):
    plan, (forecast, limit) = price(tmp_path, max_cost=1.0)

    assert 0 < len(plan.todo) < 100
    assert plan.todo == NAMES[: len(plan.todo)]
    assert forecast == price(tmp_path)[1][0]
    assert f" This run makes {len(plan.todo)}." in limit


def test_all_runs_of_the_folder_count_as_spent(tmp_path: Path):
    before = len(price(tmp_path, max_cost=1.5)[0].todo)
    spend(tmp_path, 10)

    plan, (_, limit) = price(tmp_path, max_cost=1.5)

    assert 0 < len(plan.todo) < before
    assert "max_cost: $1.50: $0.9" in limit


def test_a_limit_that_is_used_up_leaves_nothing_to_do(tmp_path: Path):
    spend(tmp_path, 20)

    plan, (_, limit) = price(tmp_path, max_cost=1.5)

    assert plan.todo == []
    assert limit.endswith("not enough for any of the 100 genomes. Raise max_cost to continue")


def test_genomes_in_flight_are_among_those_that_are_made(tmp_path: Path, submitted: list[str]):
    plan, _ = price(tmp_path, max_cost=0.5)

    assert set(submitted) < set(plan.todo)
    assert plan.todo == [name for name in NAMES if name in plan.todo]


def test_genomes_in_flight_are_made_when_the_limit_is_used_up(tmp_path: Path, submitted: list[str]):
    spend(tmp_path, 20)

    assert price(tmp_path, max_cost=1.5)[0].todo == submitted


def test_run_after_run_makes_all_genomes_when_the_limit_pays_for_them(tmp_path: Path):
    """Each costs half an hour of an instance; a start makes what is sure to be paid for."""
    todo, runs, total = NAMES, 0, 50 * 1.2 * SPOT_HOUR
    while todo and runs < 10:
        made = price(tmp_path, todo, max_cost=1.1 * total)[0].todo
        receipts = [make_receipt(name, 1700.0) for name in made]
        write_receipts(tmp_path, receipts)
        rows = [make_row(name, 1800, 3600, instance_id=f"i-{name}") for name in made]
        write_usage(tmp_path, rows)
        todo = [name for name in todo if name not in made]
        runs += 1

    assert (todo, runs) == ([], 2)


def test_a_ledger_that_cannot_be_read_is_reported(tmp_path: Path):
    (tmp_path / LEDGER).parent.mkdir()
    (tmp_path / LEDGER).write_text("no ledger")

    with pytest.raises(ConfigurationError, match=r"ledger\.sqlite cannot be read"):
        price(tmp_path)


# --- the guard ------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "LOOK_S", 0.01)


def test_a_guard_stops_submission_once_and_says_so_when_the_limit_is_reached(tmp_path: Path):
    stopped, said = threading.Event(), list[str]()
    guard = Guard(tmp_path, 1.0, stopped.set, said.append)
    guard.start()
    spend(tmp_path, 10)
    guard.join(0.3)
    assert not stopped.is_set()
    assert guard.is_alive()

    spend(tmp_path, 2, on="other")
    guard.join(10)

    assert stopped.is_set()
    (line,) = said
    assert line.startswith("max_cost: $1.00 is reached: $1.1")
    assert "No more jobs are submitted" in line


def test_a_guard_counts_what_was_spent_before_it_was_set(tmp_path: Path):
    spend(tmp_path, 20)

    assert Guard(tmp_path, 1.0, lambda: None, lambda line: None).look() > 20 * SPOT_HOUR


def test_a_guard_does_not_keep_a_process_from_its_end(tmp_path: Path):
    assert Guard(tmp_path, 1.0, lambda: None, lambda line: None).daemon
