"""A user's folder with a stack of its own: `bactofleet` and `snakemake` as one types them there."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import yaml
from aws.emulator.client import EmulatedAWS
from botocore.config import Config

REPOSITORY = Path(__file__).parents[2]
PLUGIN = REPOSITORY / "packages/snakemake-executor-plugin-aws-batch-array"
PRETEND_WORKFLOW = PLUGIN / "tests/pretend_genomes"
SETTINGS = Path("profiles/aws/account.yaml")
IMAGE = "bactofleet-test-worker"
RUN_S = 300


class Account(EmulatedAWS):
    """An emulated AWS that enforces rights, and knows CloudFormation better."""

    module = "infra.account"

    def __init__(self, **options: object) -> None:
        """Start it; the default VPC leads to the internet, which moto's does not."""
        super().__init__(**options)
        ec2 = self.client("ec2")
        vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]
        open_way_out(ec2, vpc["VpcId"])


def open_way_out(ec2: Any, vpc: str) -> None:
    """Attach an internet gateway to a VPC, and let its only route table lead there."""
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    (table,) = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])[
        "RouteTables"
    ]
    ec2.create_route(
        RouteTableId=table["RouteTableId"],
        DestinationCidrBlock="0.0.0.0/0",
        GatewayId=gateway,
    )


class Fleet:
    """The stack `name` of an account, and the folder that it is deployed from."""

    def __init__(self, account: EmulatedAWS, folder: Path, name: str) -> None:
        self.account, self.folder, self.name = account, folder, name
        for source in ("infra", "profiles/aws"):
            shutil.copytree(REPOSITORY / source, folder / source, dirs_exist_ok=True)
        shutil.copytree(PRETEND_WORKFLOW, folder, dirs_exist_ok=True)
        (folder / SETTINGS).unlink(missing_ok=True)

    def client(self, service: str) -> Any:
        """A client of the account's owner."""
        return self._owner().client(service, endpoint_url=self.account.endpoint_url)

    def _owner(self) -> Any:
        return boto3.Session("AKIAEMULATEDOWNER", "none", region_name=self.account.region)

    def aws(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run `bactofleet aws ... --stack NAME` as the account's owner."""
        owner = {"AWS_ACCESS_KEY_ID": "AKIAEMULATEDOWNER"}
        return self.run("bactofleet", "aws", *words, "--stack", self.name, variables=owner)

    def run(
        self, *words: str, variables: dict[str, str], folder: Path | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command of the environment, in the fleet's folder or another."""
        return subprocess.run(
            [Path(sys.executable).with_name(words[0]), *words[1:]],
            cwd=folder or self.folder,
            env=self._environment(variables),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=RUN_S,
            check=False,
        )

    @contextmanager
    def start_snakemake(
        self, variables: dict[str, str], *options: str
    ) -> "Iterator[subprocess.Popen[str]]":
        """Start `snakemake --profile profiles/aws`; it does not outlive the block."""
        with (self.folder / "snakemake.log").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "snakemake", "--profile", "profiles/aws", *options],
                cwd=self.folder,
                env=self._environment(variables),
                stdout=log,
                stderr=log,
                text=True,
            )
            try:
                yield process
            finally:
                process.kill()
                process.wait()

    def _environment(self, variables: dict[str, str]) -> dict[str, str]:
        return {**os.environ, **self.account.environment, **variables}

    @property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        stack = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"][0]
        return {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}

    @property
    def settings(self) -> dict[str, str]:
        """What the profile reads."""
        settings: dict[str, str] = yaml.safe_load((self.folder / SETTINGS).read_text())
        return settings

    def push_list_of_images(self, tag: str, *architectures: str) -> None:
        """Put a list of images into the repository, and name it in the settings."""
        platforms = [{"platform": {"architecture": name, "os": "linux"}} for name in architectures]
        image = {"digest": f"sha256:{0:064}", "size": 1}
        kind = "application/vnd.oci.image.index.v1+json"
        manifest = {"schemaVersion": 2, "mediaType": kind}
        self.client("ecr").put_image(
            repositoryName=self.name,
            imageManifest=json.dumps(manifest | {"manifests": [image | p for p in platforms]}),
            imageTag=tag,
        )
        self.set(image=f"{self.outputs['Repository']}:{tag}")

    def set(self, **settings: str) -> None:
        """Change what the profile reads."""
        (self.folder / SETTINGS).write_text(yaml.safe_dump(self.settings | settings))

    def doctor(self, variables: dict[str, str]) -> "subprocess.CompletedProcess[str]":
        """Run `bactofleet doctor` in a project of one genome."""
        for name in ("workflow/schemas", "config"):
            shutil.copytree(REPOSITORY / name, self.folder / "project" / name, dirs_exist_ok=True)
        shutil.copytree(
            self.folder / "profiles", self.folder / "project/profiles", dirs_exist_ok=True
        )
        sheet = self.folder / "project/config/samples.tsv"
        config = self.folder / "project/config/config.yaml"
        text = config.read_text()
        assert "results: results\n" in text
        results = f"results: s3://{self.outputs['Bucket']}/results\n"
        config.write_text(text.replace("results: results\n", results))
        sheet.write_text("sample\taccession\nS1\tSRR2838702\n")
        return self.run("bactofleet", "doctor", variables=variables, folder=self.folder / "project")

    def prepare_run(self, **config: object) -> None:
        """Take the small worker image, and results of the pretend workflow to the bucket."""
        subprocess.run([REPOSITORY / "tests/aws/image/build"], check=True, capture_output=True)
        self.set(image=IMAGE)
        # The workers of the pretend workflow have no bactofleet.
        profile = self.folder / "profiles/aws/config.yaml"
        matched = "aws-batch-array-match-versions: bactofleet\n"
        profile.write_text(profile.read_text().replace(matched, ""))
        path = self.folder / "config/config.yaml"
        config = {"destination": f"s3://{self.outputs['Bucket']}/results", **config}
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | config))

    def assume(self, role_arn: str, seconds: int = 3600) -> dict[str, str]:
        """The variables of somebody who has taken a role, for so long; AWS's least is 900 s."""
        sts = self._owner().client(
            "sts",
            endpoint_url=self.account.endpoint_url,
            config=Config(parameter_validation=False),
        )
        reply = sts.assume_role(RoleArn=role_arn, RoleSessionName="test", DurationSeconds=seconds)
        keys = reply["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
        }

    def get_keys(self) -> list[str]:
        """Keys of all objects in the stack's bucket."""
        reply = self.client("s3").list_objects_v2(Bucket=self.outputs["Bucket"])
        return sorted(item["Key"] for item in reply.get("Contents", []))
