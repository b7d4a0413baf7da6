"""The image that a genome is made in: from bactofleet.run.container, or from ECS's agent."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from bactofleet.core.image import describe_image, to_variables

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-examples.html
TOLD_BY_ECS = {
    "DockerId": "ea32192c8553fbff06c9340478a2ff089b2bb5646fb718b4ee206641c9086d66",
    "Name": "curl",
    "Image": "111122223333.dkr.ecr.us-west-2.amazonaws.com/curltest:latest",
    "ImageID": "sha256:d691691e9652791a60114e67b365688d20d19940dde7c4736ea30e660d8d3553",
    "KnownStatus": "RUNNING",
}


class Agent(BaseHTTPRequestHandler):
    """Answers as ECS's agent does, or not."""

    answers: list[bytes]

    def do_GET(self) -> None:
        answer = self.answers.pop(0)
        if answer:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Agent]]:
    """Return what answers a container that asks where it runs."""
    server = HTTPServer(("127.0.0.1", 0), Agent)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/v4/container"
    monkeypatch.setenv("ECS_CONTAINER_METADATA_URI_V4", url)
    yield Agent
    server.shutdown()
    server.server_close()


@pytest.fixture
def said() -> list[str]:
    return []


def test_what_the_container_was_started_with_is_reported_again(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    image = {"name": "x:1", "id": "sha256:ab", "digest": "r.io/x@sha256:cd"}
    for name, value in to_variables(image).items():
        monkeypatch.setenv(name, value)

    assert describe_image(said.append) == image


def test_without_a_container_there_is_no_image(said: list[str]) -> None:
    assert describe_image(said.append) is None
    assert said == []


def test_on_ecs_the_agent_is_asked(agent: type[Agent], said: list[str]) -> None:
    agent.answers = [json.dumps(TOLD_BY_ECS).encode()]

    assert describe_image(said.append) == {
        "name": TOLD_BY_ECS["Image"],
        "id": TOLD_BY_ECS["ImageID"],
    }


def test_an_agent_that_drops_the_connection_is_asked_again(
    agent: type[Agent], said: list[str]
) -> None:
    agent.answers = [b"", json.dumps(TOLD_BY_ECS).encode()]

    assert describe_image(said.append) is not None


@pytest.mark.parametrize("answer", [b"", b"{}", b"[]", b"not JSON"])
def test_an_agent_that_does_not_tell_is_named_and_stops_nothing(
    agent: type[Agent], said: list[str], answer: bytes
) -> None:
    agent.answers = [answer] * 3

    assert describe_image(said.append) is None
    assert said[0].startswith("ECS does not name the container's image: ")
