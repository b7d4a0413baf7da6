"""How much the log of a run says about each job."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from snakemake.settings.enums import Quietness

from snakemake_executor_plugin_aws_batch_array import api
from snakemake_executor_plugin_aws_batch_array.executor import Executor


def plugin(*, shows_jobs: bool) -> Any:
    return SimpleNamespace(shows_jobs=lambda settings: shows_jobs)


SHOWING, HIDING = plugin(shows_jobs=True), plugin(shows_jobs=False)


@pytest.mark.parametrize("dryrun", [False, True])
@pytest.mark.parametrize(
    ("quiet", "plugins", "is_brief"),
    [
        (None, {}, False),
        ({Quietness.PROGRESS}, {}, False),
        ({Quietness.RULES}, {}, True),
        ({Quietness.ALL}, {}, True),
        ({Quietness.RULES}, {"snkmt": None}, False),
        ({Quietness.RULES}, {"showing": SHOWING}, False),
        ({Quietness.RULES}, {"hiding": HIDING}, True),
        ({Quietness.RULES}, {"hiding": HIDING, "snkmt": None}, False),
    ],
)
def test_the_log_is_brief_if_nobody_reads_about_each_job(
    quiet: set[Quietness] | None, plugins: dict[str, Any], *, is_brief: bool, dryrun: bool
) -> None:
    settings = SimpleNamespace(quiet=quiet, log_handler_settings=plugins, dryrun=dryrun)
    assert api.hides_jobs(settings) is is_brief


@pytest.mark.parametrize("dryrun", [False, True])
def test_what_a_plugin_does_not_show_is_in_the_log_file_but_of_a_dry_run(*, dryrun: bool) -> None:
    settings = SimpleNamespace(quiet=None, log_handler_settings={"one": HIDING}, dryrun=dryrun)
    assert api.hides_jobs(settings) is dryrun


@pytest.mark.parametrize("is_brief", [False, True])
def test_a_brief_log_describes_no_job(*, is_brief: bool) -> None:
    executor: Any = Executor.__new__(Executor)
    executor._is_brief, job = is_brief, Mock()

    executor.run_job_pre(job)

    assert job.log_info.called is not is_brief


@pytest.mark.parametrize("ended", [0, 3])
def test_a_brief_log_has_a_line_for_each_look(ended: int) -> None:
    executor: Any = Executor.__new__(Executor)
    array = SimpleNamespace(open=dict.fromkeys(range(10)))
    executor._is_brief, executor._live, executor._live_lock = True, {"a": array}, nullcontext()
    executor.logger, executor._monitor, executor._held_back = Mock(), Mock(), 0
    executor._collector = SimpleNamespace(iter_portions=lambda _: [range(ended)] if ended else [])
    executor._record_ended = lambda portion: [array.open.pop(index) for index in portion]

    executor._look()

    lines = [call.args[0] for call in executor.logger.info.call_args_list]
    assert lines == (["3 jobs have ended, 7 are open."] if ended else [])
