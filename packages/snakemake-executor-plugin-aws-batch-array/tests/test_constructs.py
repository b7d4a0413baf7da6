"""Paths that can travel between controller and container."""

import pytest

from snakemake_executor_plugin_aws_batch_array.constructs import is_path_inside


@pytest.mark.parametrize(
    "path", ["a.json", "results/$(id).json", "a b/ü", "x" * 255, "...json", f"{'x' * 200}/" * 3]
)
def test_a_path_below_the_working_directory_is_taken(path):
    assert is_path_inside(path)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../a", "a/../../b", "a/..", "~/a", "a\nb", "x" * 256, "ü" * 128, ""]
)
def test_a_path_that_leads_elsewhere_is_refused(path):
    assert not is_path_inside(path)
