"""The file that deploying writes is what the profile and the doctor read."""

from pathlib import Path

import pytest
from snakemake.profiles import ProfileConfigFileParser

from bactofleet.aws.settings import (
    SETTINGS,
    effective_settings,
    read_settings,
    remove_settings,
    write_settings,
)
from bactofleet.core.errors import ConfigurationError

PROFILE = Path(__file__).parents[2] / "profiles/aws/config.yaml"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read_profile() -> dict[str, object]:
    """The profile as Snakemake sees it."""
    with PROFILE.open() as stream:
        return dict(ProfileConfigFileParser().parse(stream))


def test_the_profile_has_the_settings() -> None:
    write_settings({"region": "eu-west-1", "bucket": "genomes", "image": "repository/fleet:1"})

    profile = read_profile()

    assert profile["aws-batch-array-region"] == "eu-west-1"
    assert profile["aws-batch-array-image"] == "repository/fleet:1"
    assert profile["executor"] == "aws-batch-array"


def test_the_profile_leaves_out_what_only_a_launch_needs() -> None:
    write_settings({"region": "eu-west-1", "controller-queue": "fleet-controllers"})

    profile = read_profile()

    assert [name for name in profile if "controller" in name] == []


def test_without_the_file_the_profile_has_no_settings_of_an_account() -> None:
    profile = read_profile()

    own = [name for name in profile if name.startswith("aws-batch-array")]
    assert own == ["aws-batch-array-match-versions"]


def test_the_environment_counts_more_than_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    write_settings({"region": "eu-west-1", "job-queue": "fleet"})
    monkeypatch.setenv("SNAKEMAKE_AWS_BATCH_ARRAY_JOB_QUEUE", "other")

    assert effective_settings() == {"region": "eu-west-1", "job-queue": "other"}


@pytest.mark.parametrize("text", ["region: [", "just words", "- a\n- list"])
def test_a_file_that_is_no_list_of_settings_is_refused_by_its_name(text: str) -> None:
    SETTINGS.parent.mkdir(parents=True)
    SETTINGS.write_text(text)

    with pytest.raises(ConfigurationError, match=r"profiles/aws/account\.yaml is no"):
        read_settings()


def test_settings_of_another_stack_stay() -> None:
    write_settings({"bucket": "mine"})

    remove_settings("other")

    assert read_settings() == {"bucket": "mine"}
