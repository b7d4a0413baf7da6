"""Snakemake's own tests of executors (snakemake.common.tests), on the emulated AWS."""

import pytest
from aws.controller import build_worker_image
from aws.emulator.client import EmulatedAWS
from snakemake.common.tests import TestWorkflowsLocalStorageBase

from snakemake_executor_plugin_aws_batch_array import ExecutorSettings


class TestInterface(TestWorkflowsLocalStorageBase):
    """A workflow of single jobs, and one of groups."""

    __test__ = True

    @pytest.fixture(autouse=True)
    def _aws(self, shared_aws: EmulatedAWS, monkeypatch: pytest.MonkeyPatch) -> None:
        self._account = shared_aws
        for name, value in shared_aws.environment.items():
            monkeypatch.setenv(name, value)

    def get_executor(self) -> str:
        return "aws-batch-array"

    def get_assume_shared_fs(self) -> bool:
        return False

    def get_executor_settings(self) -> ExecutorSettings:
        return ExecutorSettings(
            region=self._account.region,
            bucket=self._account.bucket,
            job_queue=self._account.queue,
            fallback_queue=self._account.fallback_queue,
            job_role=self._account.job_role_arn,
            image=build_worker_image(),
            poll_interval=1,
        )
