"""Credentials that somebody renews while a run lasts."""

from pathlib import Path

import pytest
from botocore.exceptions import NoCredentialsError

from snakemake_executor_plugin_aws_batch_array.credentials import open_session


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A credentials file, not yet written, and nothing else to find credentials in."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    path = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    return path


def write(path: Path, key: str) -> None:
    path.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = secret\n")


def get_key(session: object) -> str:
    """The access key with which a client that was made before would sign now."""
    return str(session.get_credentials().get_frozen_credentials().access_key)  # type: ignore[attr-defined]


def test_a_session_signs_with_what_was_found_last(file: Path) -> None:
    write(file, "FIRST")
    session, credentials = open_session("us-east-1")
    assert get_key(session) == "FIRST"

    write(file, "SECOND")
    assert get_key(session) == "FIRST"
    credentials.renew()

    assert get_key(session) == "SECOND"


def test_who_logs_in_later_is_found(file: Path) -> None:
    session, credentials = open_session("us-east-1")
    with pytest.raises(NoCredentialsError):
        get_key(session)

    write(file, "FIRST")
    credentials.renew()

    assert get_key(session) == "FIRST"
