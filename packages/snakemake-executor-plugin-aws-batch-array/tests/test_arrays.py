"""How tasks become arrays, and what the manifest of an array says."""

import pytest

from snakemake_executor_plugin_aws_batch_array.arrays import MAX_ARRAY_SIZE, iter_arrays
from snakemake_executor_plugin_aws_batch_array.definitions import (
    EVALUATE_ON_EXIT,
    build_definition,
    build_submission,
)
from snakemake_executor_plugin_aws_batch_array.exit_codes import to_container
from snakemake_executor_plugin_aws_batch_array.manifest import (
    ManifestLine,
    build_manifest,
    get_byte_range,
    parse_line,
)
from snakemake_executor_plugin_aws_batch_array.requirements import Platform, Requirements
from snakemake_executor_plugin_aws_batch_array.settings import ExecutorSettings
from snakemake_executor_plugin_aws_batch_array.tasks import Task

SMALL, LARGE = Requirements(4, 14336), Requirements(4, 28672)
SETTINGS = ExecutorSettings(
    region="us-east-1",
    job_queue="genomes",
    job_role="arn:aws:iam::123456789012:role/genomes-job",
    bucket="genomes-bucket",
    image="worker",
)


def make_task(number: int, requirements: Requirements = SMALL, queue: str = "spot") -> Task:
    return Task(None, f"key{number}", [], [], [f"{number}.json"], queue, requirements)


def test_tasks_of_one_size_are_one_array():
    tasks = [make_task(i) for i in range(7)]

    (array,) = iter_arrays(tasks, "run", 0)

    assert array.tasks == tasks
    assert array.name == "run-0000"


def test_an_array_has_ten_thousand_children_at_most():
    tasks = [make_task(i) for i in range(2 * MAX_ARRAY_SIZE + 1)]

    arrays = list(iter_arrays(tasks, "run", 5))

    assert [len(array.tasks) for array in arrays] == [10_000, 10_000, 1]
    assert [array.name for array in arrays] == ["run-0005", "run-0006", "run-0007"]


def test_sizes_and_queues_are_not_mixed():
    tasks = [make_task(0), make_task(1, LARGE), make_task(2, queue="on-demand"), make_task(3)]

    arrays = list(iter_arrays(tasks, "run", 0))

    assert [[task.key for task in array.tasks] for array in arrays] == [
        ["key0", "key3"],
        ["key1"],
        ["key2"],
    ]


def test_a_child_reads_its_line_of_the_manifest_by_a_range():
    lines = [
        ManifestLine(["--cores", "1"], [], [f"{'x' * n}é\n.json"], f"key{n}") for n in range(5)
    ]
    manifest, width = build_manifest(lines)

    first, last = get_byte_range(3, width).removeprefix("bytes=").split("-")

    assert parse_line(manifest[int(first) : int(last) + 1]) == lines[3]
    assert len(manifest) == 5 * width


def test_one_task_is_a_plain_job_and_two_are_an_array():
    one, two = (next(iter_arrays([make_task(i) for i in range(n)], "run", 0)) for n in (1, 2))

    assert "arrayProperties" not in build_submission(one, "definition", 100, SETTINGS)
    submission = build_submission(two, "definition", 100, SETTINGS)
    assert submission["arrayProperties"] == {"size": 2}


def test_a_submission_of_the_largest_array_is_far_below_the_limit_of_30_kib():
    array = next(iter_arrays([make_task(i) for i in range(MAX_ARRAY_SIZE)], "run", 0))

    assert len(str(build_submission(array, "definition", 100, SETTINGS))) < 2048


def test_containers_are_unprivileged_and_cannot_write_their_root():
    container = build_definition("d", SETTINGS, Platform.EC2, "p", "sum")["containerProperties"]

    assert container["privileged"] is False
    assert container["readonlyRootFilesystem"] is True


def is_tried_again(status_reason: str, exit_code: int | None = None, reason: str = "") -> bool:
    """As Batch decides: the first rule that matches, and what none matches is tried again."""
    texts = {
        "onStatusReason": status_reason,
        "onExitCode": str(exit_code or ""),
        "onReason": reason,
    }
    for rule in EVALUATE_ON_EXIT:
        ((condition, pattern),) = [item for item in rule.items() if item[0] != "action"]
        text, prefix = texts[condition], pattern.removesuffix("*")
        if text == pattern or (pattern != prefix and text.startswith(prefix)):
            return rule["action"] == "RETRY"
    return True


EXITED = "Essential container in task exited"


@pytest.mark.parametrize(
    ("status_reason", "exit_code", "expected"),
    [
        ("Host EC2 (instance i-1) terminated.", None, True),
        ("Your Spot Task was interrupted.", None, True),
        ("Your Spot Task was interrupted.", 1, True),
        ("Task failed to start", None, True),
        (EXITED, 75, True),
        (EXITED, 132, True),
        (EXITED, 137, True),
        (EXITED, 143, True),
        (EXITED, to_container(137), False),
        (EXITED, to_container(143), False),
        (EXITED, 1, False),
        (EXITED, to_container(139), False),
        (EXITED, to_container(130), False),
        (EXITED, to_container(13), False),
        (EXITED, 2, False),
    ],
)
def test_batch_tries_again_what_another_host_may_do(status_reason, exit_code, expected):
    assert len(EVALUATE_ON_EXIT) <= 5
    assert is_tried_again(status_reason, exit_code) is expected


def test_an_image_that_was_not_pulled_is_left_to_the_controller():
    assert not is_tried_again("Task failed to start", None, "CannotPullContainerError: denied")
    assert is_tried_again("Task failed to start", None, "DockerTimeoutError: could not start")
