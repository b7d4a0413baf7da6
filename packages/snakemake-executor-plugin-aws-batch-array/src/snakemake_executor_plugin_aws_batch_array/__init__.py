"""Snakemake executor `aws-batch-array`: jobs as children of AWS Batch array jobs.

It extends snakemake-executor-plugin-aws-batch for workflows whose intermediate files stay on the
node that makes them; docs/executor.md describes the life of a job.
"""

from snakemake_interface_executor_plugins.settings import CommonSettings

from .executor import Executor
from .settings import ExecutorSettings
from .versions import __version__

common_settings = CommonSettings(
    non_local_exec=True,
    implies_no_shared_fs=True,
    # Sources travel in the bundle, and the image has all software.
    job_deploy_sources=False,
    auto_deploy_default_storage_provider=False,
    pass_default_storage_provider_args=True,
    pass_default_resources_args=True,
    # In the bundle too, so that they are not shown wherever a job's definition is.
    pass_envvar_declarations_to_cmd=False,
    # Children of an array with several components need to know the groups.
    pass_group_args=True,
    can_transfer_local_files=True,
)

__all__ = ["Executor", "ExecutorSettings", "__version__", "common_settings"]
