"""Whether the log of a run describes each job."""

from typing import Any

from snakemake.settings.enums import Quietness


def hides_jobs(output_settings: Any) -> bool:
    """Whether nobody sees the descriptions of jobs.

    So `--quiet rules` asks, and in a dry run, which has no log file, a logger plugin that shows no
    jobs. Its settings say so by a method `shows_jobs`, which takes the output settings; other
    plugins want to know of each job.
    """
    plugins = output_settings.log_handler_settings.values()
    if any(getattr(plugin, "shows_jobs", _always)(output_settings) for plugin in plugins):
        return False
    is_quiet = bool({Quietness.RULES, Quietness.ALL} & set(output_settings.quiet or ()))
    return is_quiet or (output_settings.dryrun and bool(plugins))


def _always(output_settings: Any) -> bool:
    return True
