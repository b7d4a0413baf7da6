# mypy: disable-error-code="import-untyped"
"""Runs attempts as Docker containers, limited as ECS limits them.

AWS: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html and
https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerProperties.html
moto 5.2.5 passes image, command, environment and mounts; no memory limit, user, read-only root,
shared memory, temporary file systems or ulimits.
"""

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.models.containers import Container
from docker.types import LogConfig, Mount, Ulimit
from moto.logs.models import LogsBackend

from .engine import Engine, Task
from .environment import container_environment
from .logs import LogStream, MissingLogGroupError
from .retry import EXITED, Outcome

TASK_FAILED = "Task failed to start"
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
PULL_ERROR = "CannotPullContainerError: Error response from daemon: "
CPU_SHARES_OF_A_VCPU = 1024
MIB = 1024 * 1024
LABEL = "emulated-aws"


class TaskStartError(Exception):
    """A task that never got a running container; the text is the container's ``reason``."""


class ContainerRunner:
    """One thread for each running container."""

    def __init__(
        self,
        engine: Engine,
        logs: LogsBackend,
        endpoint_url: str,
        refuses_pull: Callable[[Task], str | None],
        on_line: Callable[[Task, str], None],
    ) -> None:
        self.record: list[dict[str, Any]] = []
        self._engine = engine
        self._logs = logs
        self._endpoint_url = endpoint_url
        self._refuses_pull = refuses_pull
        self._on_line = on_line
        self._docker = docker.from_env(max_pool_size=64)
        self._containers: dict[str, Container] = {}
        self._threads: list[threading.Thread] = []

    def start(self, task: Task) -> None:
        """Start the attempt's thread."""
        thread = threading.Thread(target=self._run, args=[task], name=task.attempt.task_id)
        self._threads = [other for other in self._threads if other.is_alive()] + [thread]
        thread.start()

    def stop(self, task: Task, grace_s: float) -> None:
        """Stop the attempt's container; one that is not up yet is stopped when it is."""
        container = self._containers.get(task.attempt.task_id)
        if container is not None:
            threading.Thread(target=_stop, args=[container, grace_s]).start()

    def join(self) -> None:
        """Wait until every container is gone."""
        for thread in self._threads:
            thread.join()

    def _run(self, task: Task) -> None:
        try:
            outcome = self._attempt(task)
        except (TaskStartError, MissingLogGroupError) as error:
            outcome = Outcome(TASK_FAILED, reason=str(error))
        except (DockerException, requests.RequestException) as error:
            outcome = Outcome(TASK_FAILED, reason=f"DockerTimeoutError: {error}"[:255])
        self._engine.stopped(task, outcome)

    def _attempt(self, task: Task) -> Outcome:
        self._ensure_image(task)
        stream = LogStream(self._logs, task)
        task.attempt.log_stream = stream.name
        with _host_folders(task) as folders, self._container(task, folders) as container:
            self._engine.started(task)
            self._follow(task, container, stream)
            return _outcome(container)

    def _ensure_image(self, task: Task) -> None:
        image = task.job.spec.container["image"]
        if refusal := self._refuses_pull(task):
            raise TaskStartError(f"{PULL_ERROR}{refusal} for {image}")
        try:
            self._docker.images.get(image)
        except ImageNotFound:
            try:
                self._docker.images.pull(image)
            except APIError as error:
                raise TaskStartError(f"{PULL_ERROR}{error.explanation}") from error

    @contextmanager
    def _container(self, task: Task, folders: dict[str, Path]) -> Iterator[Container]:
        """The started container; removed at the end."""
        try:
            container = self._docker.containers.create(**self._options(task, folders))
        except APIError as error:
            raise TaskStartError(f"CannotCreateContainerError: {error.explanation}") from error
        task.attempt.image_id = container.attrs["Image"]
        try:
            self._start(task, container)
            yield container
        finally:
            self._containers.pop(task.attempt.task_id, None)
            with suppress(NotFound):
                container.remove(force=True, v=True)

    def _start(self, task: Task, container: Container) -> None:
        try:
            container.start()
        except APIError as error:
            raise TaskStartError(f"CannotStartContainerError: {error.explanation}") from error
        self.record.append(_record(task, container))
        with self._engine.lock:  # a stop that comes from now on finds the container
            self._containers[task.attempt.task_id] = container
            verdict = task.verdict
        if verdict is not None:
            _stop(container, 0)

    def _follow(self, task: Task, container: Container, stream: LogStream) -> None:
        """Copy the container's output to CloudWatch until it ends."""
        rest = b""
        for chunk in container.logs(stream=True, follow=True):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._copy(task, stream, line)
        self._copy(task, stream, rest)

    def _copy(self, task: Task, stream: LogStream, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip("\r")
        stream.write(text)
        self._on_line(task, text)

    def _options(self, task: Task, folders: dict[str, Path]) -> dict[str, Any]:
        spec = task.job.spec
        properties = spec.container
        if properties.get("privileged"):
            raise TaskStartError("CannotCreateContainerError: privileged containers are refused")
        memory = f"{spec.memory_mib}m"
        return {
            "image": properties["image"],
            "command": _command(properties.get("command", []), spec.parameters),
            "environment": container_environment(task, self._endpoint_url),
            "user": properties.get("user"),
            "read_only": properties.get("readonlyRootFilesystem", False),
            "mounts": _mounts(properties, folders),
            "ulimits": [_ulimit(limit) for limit in properties.get("ulimits") or []],
            "mem_limit": memory,
            "memswap_limit": memory,
            "cpu_shares": max(2, int(spec.vcpus * CPU_SHARES_OF_A_VCPU)),
            "network_mode": "host",
            "log_config": LogConfig(type=LogConfig.types.JSON),
            "labels": {LABEL: task.job.job_id},
            **_linux_parameters(properties.get("linuxParameters") or {}),
        }


def _record(task: Task, container: Container) -> dict[str, Any]:
    """What Docker says that it started."""
    container.reload()
    host_config, config = container.attrs["HostConfig"], container.attrs["Config"]
    return {
        "job": task.job.job_id,
        "attempt": task.attempt.number,
        "image": config["Image"],
        "user": config["User"],
        "privileged": host_config["Privileged"],
        "read_only": host_config["ReadonlyRootfs"],
        "memory_mib": host_config["Memory"] // MIB,
        "shared_memory_mib": host_config["ShmSize"] // MIB,
        "mounts": {mount["Destination"]: mount["Type"] for mount in container.attrs["Mounts"]},
        "instance_id": task.host.instance_id,
        "instance_type": task.host.instance_type,
        "life_cycle": task.host.life_cycle,
    }


def _outcome(container: Container) -> Outcome:
    exit_code = container.wait()["StatusCode"]
    container.reload()
    killed = container.attrs["State"]["OOMKilled"]
    return Outcome(EXITED, exit_code, OUT_OF_MEMORY if killed else None)


def _stop(container: Container, grace_s: float) -> None:
    with suppress(APIError):  # it may have ended meanwhile
        if grace_s:
            container.stop(timeout=int(grace_s))
        else:
            container.kill()


@contextmanager
def _host_folders(task: Task) -> Iterator[dict[str, Path]]:
    """A folder for each host volume; an emulated host is new, so it is gone afterwards.

    Any user may write there, as to an instance store that a launch template has prepared. A volume
    of EFS is the same folder for all hosts: the one of this machine that it names.
    """
    root = Path(tempfile.mkdtemp(prefix="emulated-host-"))
    try:
        folders = {v["name"]: root / v["name"] for v in _host_volumes(task)}
        for folder in folders.values():
            folder.mkdir()
            folder.chmod(0o1777)
        yield folders | _shared_folders(task)
    finally:
        shutil.rmtree(root)


def _volumes(task: Task) -> list[dict[str, Any]]:
    return task.job.spec.container.get("volumes") or []


def _host_volumes(task: Task) -> list[dict[str, Any]]:
    return [volume for volume in _volumes(task) if volume.get("host", {}).get("sourcePath")]


def _shared_folders(task: Task) -> dict[str, Path]:
    """https://docs.aws.amazon.com/batch/latest/APIReference/API_EFSVolumeConfiguration.html."""
    key = "efsVolumeConfiguration"
    return {v["name"]: Path(v[key]["rootDirectory"]) for v in _volumes(task) if key in v}


def _mounts(properties: dict[str, Any], folders: dict[str, Path]) -> list[Mount]:
    """Host volumes, and for volumes without a path on the host what Docker makes: a new volume.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_Host.html
    """
    return [
        Mount(
            target=point["containerPath"],
            source=str(folder) if folder else None,
            type="bind" if folder else "volume",
            read_only=point.get("readOnly", False),
        )
        for point in properties.get("mountPoints") or []
        for folder in [folders.get(point["sourceVolume"])]
    ]


def _ulimit(limit: dict[str, Any]) -> Ulimit:
    return Ulimit(name=limit["name"], soft=limit["softLimit"], hard=limit["hardLimit"])


def _linux_parameters(parameters: dict[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {"init": parameters.get("initProcessEnabled", False)}
    if "sharedMemorySize" in parameters:
        options["shm_size"] = parameters["sharedMemorySize"] * MIB
    if "tmpfs" in parameters:
        options["tmpfs"] = {
            fs["containerPath"]: ",".join([f"size={fs['size']}m", *fs.get("mountOptions", [])])
            for fs in parameters["tmpfs"]
        }
    return options


def _command(words: list[str], parameters: dict[str, str]) -> list[str]:
    """Put in the parameters: https://docs.aws.amazon.com/batch/latest/userguide/job_definition_parameters.html."""
    for name, value in parameters.items():
        words = [word.replace(f"Ref::{name}", value) for word in words]
    return words
