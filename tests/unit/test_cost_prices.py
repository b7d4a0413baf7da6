"""What things cost: the package's table, a user's file over it, and prices that are derived."""

import statistics
from pathlib import Path

import pytest

from bactofleet.aws.instance_types import FAMILIES, SIZES
from bactofleet.core.errors import ConfigurationError
from bactofleet.cost.prices import UNITS, Price, Prices, average, load_prices, vcpus_of


@pytest.fixture(scope="module")
def table() -> Prices:
    """The package's own prices."""
    return load_prices()


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    return path


def test_the_table_knows_every_type_that_a_fleet_takes(table):
    for families in FAMILIES.values():
        for name in (f"{family}.{size}" for family in families for size in SIZES):
            on_demand = table.instance_hour(name, "on-demand", "us-east-1a")
            spot = table.instance_hour(name, "spot", "us-east-1a")
            assert "not in the table" not in on_demand.note
            assert 0.2 < spot.usd / on_demand.usd < 0.7


def test_every_price_of_the_table_has_a_source_and_a_date(table):
    assert {name for section, name in table.entries if section == "charges"} == set(UNITS)
    for price in table.entries.values():
        assert price.source
        assert len(price.date) == len("2026-11-24")


def test_a_derived_price_says_how_it_was_derived(table):
    price = table.instance_hour("m6i.2xlarge", "spot", "us-east-1a")

    assert price.usd == pytest.approx(8 * 0.048 * (1 - 0.58))
    assert price.note == "8 vCPUs of m6i, 58 % below on demand"


def test_a_size_that_spot_advises_nothing_on_saves_the_median_of_its_family(table):
    price = table.instance_hour("m6i.8xlarge", "spot", "us-east-1a")

    assert price.usd == pytest.approx(32 * 0.048 * (1 - 0.58))
    assert price.note == "32 vCPUs of m6i, 58 % below on demand, the median of m6i"


def test_a_family_that_spot_advises_nothing_on_saves_the_median_of_all_and_says_so(table):
    price = table.instance_hour("c8i.xlarge", "spot", "us-east-1a")

    assert price.note == "4 vCPUs of c8i, 60 % below on demand, the median of all types"


def test_a_type_that_is_not_in_the_table_is_priced_by_the_vcpus_that_were_recorded(table):
    price = table.instance_hour("x9.metal", "on-demand", "us-east-1a", vcpus=96)

    assert price.usd == pytest.approx(96 * table.vcpu_hour("on-demand").usd)
    assert price.note.startswith("x9.metal not in the table: 96 vCPUs")


def test_the_note_says_that_a_zone_elsewhere_has_other_prices(table):
    price = table.instance_hour("m6i.xlarge", "spot", "eu-west-2b")

    assert price.note.endswith("the price of us-east-1, not of eu-west-2b")


def test_the_vcpu_hour_of_an_unknown_host_is_the_median_of_the_table(table):
    usd = [
        table.instance_hour(f"{family}.xlarge", "on-demand").usd / 4
        for families in FAMILIES.values()
        for family in families
    ]

    assert table.vcpu_hour("on-demand").usd == pytest.approx(statistics.median(usd))
    assert table.vcpu_hour("spot").usd < table.vcpu_hour("on-demand").usd / 2


@pytest.mark.parametrize(
    ("name", "vcpus"),
    [
        ("c7g.medium", 1),
        ("m6i.large", 2),
        ("m6i.xlarge", 4),
        ("c7i.48xlarge", 192),
        ("m7i.metal-24xl", None),
        ("", None),
        ("m6i", None),
        ("m6i.-2xlarge", None),
        ("m6i.²xlarge", None),
    ],
)
def test_the_size_of_a_type_says_its_vcpus(name, vcpus):
    assert vcpus_of(name) == vcpus


def test_tiers_are_paid_one_after_another(table):
    """42 TB: ten at the first price, the rest at the second."""
    usd = table.charge("transfer_out").cost(42 * 1024)

    assert usd == pytest.approx(10240 * 0.09 + 32 * 1024 * 0.085)


def test_a_users_file_overrides_only_what_it_names(tmp_path, table):
    path = write(
        tmp_path,
        """
        charges: {ebs: {usd: 0.05, source: our contract, date: 2026-05-01}}
        instance_hour: {spot: {usd: {m6i.xlarge: 0.0712}}}
        """,
    )

    prices = load_prices(path)

    assert prices.charge("ebs") == Price(0.05, "GB-month", "our contract", "2026-05-01")
    assert prices.instance_hour("m6i.xlarge", "spot", "eu-west-1a").usd == 0.0712
    assert prices.instance_hour("m6i.xlarge", "spot", "eu-west-1a").source == str(path)
    assert prices.charge("logs") == table.charge("logs")
    assert prices.instance_hour("m6i.2xlarge", "spot") == table.instance_hour("m6i.2xlarge", "spot")


def test_a_users_price_for_vcpus_of_a_family_is_that_of_all_its_sizes(tmp_path):
    path = write(tmp_path, "on_demand_vcpu_hour: {usd: {z1d: 0.093}}\n")

    assert load_prices(path).instance_hour("z1d.2xlarge", "on-demand").usd == pytest.approx(0.744)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("charges: {ebs: {usd: -1}}", "charges.ebs.usd must be at least 0, not -1"),
        ("charges: {ebs: {usd: cheap}}", "charges.ebs.usd must be a number, not 'cheap'"),
        ("charges: {nat: {usd: 1}}", "unknown option 'nat'; options are ebs, ecr, logs"),
        ("charges: {ebs: {source: us}}", "charges.ebs must be either usd, or tiers: "),
        ("charges: {ebs: {usd: .inf}}", "is not YAML of prices"),
        ("charges: {ebs: {usd: .nan}}", "is not YAML of prices"),
        ("charges: [", "is not YAML of prices"),
        ("- 1", "the whole file must be options with their values (name: value), not [1]"),
        ("on_demand_vcpu_hour: {m6i: 1}", "unknown option 'm6i'"),
        (
            "spot_saving: {percent: {m6i.xlarge: 101}}",
            "spot_saving.percent.m6i.xlarge must be at most 100, not 101",
        ),
        (
            "charges: {ebs: {tiers: [{up_to: 5, usd: 1}]}}",
            "charges.ebs.tiers: up_to must ascend, and the last tier must have none",
        ),
        (
            "charges: {ebs: {tiers: [{up_to: 5, usd: 1}, {up_to: 4, usd: 1}, {usd: 1}]}}",
            "charges.ebs.tiers: up_to must ascend",
        ),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_what_is_allowed(tmp_path, text, complaint):
    path = write(tmp_path, text)

    with pytest.raises(ConfigurationError) as error:
        load_prices(path)

    assert str(path) in str(error.value)
    assert complaint in str(error.value)


def test_a_file_that_is_not_there_is_reported(tmp_path):
    with pytest.raises(ConfigurationError, match=r"none\.yaml cannot be read"):
        load_prices(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("begin", "end", "usd"),
    [
        (0, 100, 1.0),  # before the first change its price is taken
        (100, 200, 1.0),
        (150, 250, 1.5),
        (150, 350, 1.75),
        (500, 900, 2.0),
        (150, 150, 1.0),
        (200, 200, 2.0),
    ],
)
def test_a_price_that_changed_is_averaged_over_time(begin, end, usd):
    assert average([(100, 1.0), (200, 2.0)], begin, end) == pytest.approx(usd)
