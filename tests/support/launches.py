"""A Batch that runs nothing, and the settings of the stack that runs are launched with."""

from typing import Any

SETTINGS = {
    "region": "us-east-1",
    "bucket": "genomes",
    "image": "repository/fleet:1",
    "controller-queue": "fleet-controllers",
    "controller-role": "arn:aws:iam::123456789012:role/controller",
    "execution-role": "arn:aws:iam::123456789012:role/execution",
}


class FakeBatch:
    """A Batch that knows the jobs that were submitted to it."""

    status = "RUNNABLE"
    """Of a job that was submitted."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.definitions: dict[str, dict[str, Any]] = {}

    def register_job_definition(self, **request: Any) -> dict[str, Any]:
        name = request["jobDefinitionName"]
        self.definitions[name] = request
        return {"jobDefinitionArn": name}

    def deregister_job_definition(self, **request: Any) -> None:
        pass

    def submit_job(self, **request: Any) -> dict[str, Any]:
        job_id = f"job-{len(self.jobs)}"
        self.jobs[job_id] = {**request, "jobId": job_id, "status": self.status}
        return {"jobId": job_id}

    def describe_jobs(self, jobs: list[str]) -> dict[str, Any]:
        return {"jobs": [self.jobs[job_id] for job_id in jobs if job_id in self.jobs]}

    def list_jobs(self, jobQueue: str, filters: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        (name,) = filters[0]["values"]
        return {"jobSummaryList": [job for job in self.jobs.values() if job["jobName"] == name]}
