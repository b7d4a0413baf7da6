"""Batch's operations on jobs as HTTP requests; the other operations are moto's own.

AWS: https://docs.aws.amazon.com/batch/latest/APIReference/API_Operations.html
moto 5.2.5 has no pages, no retryStrategy of SubmitJob, and neither TerminateJobs nor CancelJobs.
"""

import json
from collections.abc import Callable
from typing import Any

from moto.batch import models, urls
from moto.batch.exceptions import ClientException
from moto.batch.responses import BatchResponse

from . import limits
from .backend import ArrayBatchBackend


class ArrayBatchResponse(BatchResponse):
    """One request."""

    @property
    def _batch(self) -> ArrayBatchBackend:
        backend = self.batch_backend
        assert isinstance(backend, ArrayBatchBackend)
        return backend

    def _request(self) -> dict[str, Any]:
        text = self.body if isinstance(self.body, str) else self.body.decode()
        limits.check_payload(self._get_action(), len(text.encode()))
        request: dict[str, Any] = json.loads(text or "{}")
        return request

    def registerjobdefinition(self) -> str:
        """RegisterJobDefinition."""
        self._batch.check_job_definition(self._request())
        return super().registerjobdefinition()

    def submitjob(self) -> str:
        """SubmitJob."""
        job = self._batch.submit(self._request())
        return json.dumps({"jobId": job.job_id, "jobName": job.spec.name, "jobArn": job.arn})

    def describejobs(self) -> str:
        """DescribeJobs."""
        return json.dumps({"jobs": self._batch.details(self._request().get("jobs") or [])})

    def listjobs(self) -> str:
        """ListJobs."""
        page, token = self._batch.page(self._request())
        return json.dumps({"jobSummaryList": page} | ({"nextToken": token} if token else {}))

    def canceljob(self) -> str:
        """CancelJob."""
        request = self._request()
        self._batch.cancel(request["jobId"], request.get("reason", ""))
        return "{}"

    def terminatejob(self) -> str:
        """TerminateJob."""
        request = self._request()
        self._batch.terminate(request["jobId"], request.get("reason", ""))
        return "{}"

    def canceljobs(self) -> str:
        """CancelJobs: up to 50 at once."""
        return self._for_each_job(self._batch.cancel)

    def terminatejobs(self) -> str:
        """TerminateJobs: up to 50 at once."""
        return self._for_each_job(self._batch.terminate)

    def _for_each_job(self, act: Callable[[str, str], None]) -> str:
        request = self._request()
        if len(request["jobs"]) > limits.MAX_TERMINATED_JOBS:
            raise ClientException(f"jobs has more than {limits.MAX_TERMINATED_JOBS} members")
        for job_id in request["jobs"]:
            act(job_id, request.get("reason", ""))
        return json.dumps({"successful": [{"jobId": i} for i in request["jobs"]], "errors": []})


def install() -> None:
    """Put this Batch in the place of moto's; to be called before the first request."""
    models.batch_backends.backend = ArrayBatchBackend
    for operation in ("canceljobs", "terminatejobs"):
        urls.url_paths[f"{{0}}/v1/{operation}$"] = ArrayBatchResponse.dispatch
    # moto's path of CancelJob has no end and would take CancelJobs too
    for operation in ("canceljob", "terminatejob"):
        del urls.url_paths[f"{{0}}/v1/{operation}"]
        urls.url_paths[f"{{0}}/v1/{operation}$"] = ArrayBatchResponse.dispatch
    for path in urls.url_paths:
        urls.url_paths[path] = ArrayBatchResponse.dispatch
