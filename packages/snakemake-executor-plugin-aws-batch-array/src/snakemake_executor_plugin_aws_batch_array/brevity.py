"""Whether the log of a run describes each job."""

from typing import Any

from snakemake.settings.enums import Quietness


def hides_jobs(output_settings: Any) -> bool:
    """Whether nobody sees the descriptions of jobs.

    So `--quiet rules` asks; a logger plugin wants to know of each job in any case.
    """
    is_quiet = bool({Quietness.RULES, Quietness.ALL} & set(output_settings.quiet or ()))
    return is_quiet and not output_settings.log_handler_settings
