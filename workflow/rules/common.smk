# What all stages share: the configuration, the samples, and the command of a stage.
#
# `snakemake --lint` asks for a conda environment or a container in each rule. There is one image
# with all tools, and Snakemake itself runs in it (docs/install.md).
import os
import shlex
import sys

from snakemake_interface_executor_plugins.settings import (
    DeploymentMethod,
    SharedFSUsage,
)

from bactofleet.core import project
from bactofleet.core.options import to_word as option
from bactofleet.core.references import addresses_in
from bactofleet.records import folder
from bactofleet.run import contained
from bactofleet.run.hooks import add_hooks
from bactofleet.run.large_graphs import hasten, same_for_all_genomes
from bactofleet.run.workflow import WorkflowRun

# A workflow that Snakemake reads from a git repository, as a module, is in no folder.
BASE = workflow.current_basedir
WORKFLOW = Path(BASE).parent if isinstance(BASE, os.PathLike) else project.WORKFLOW

# With `--software-deployment-method apptainer`, Snakemake itself runs the stages in an image.
DEPLOYED_BY = workflow.deployment_settings.deployment_method
IS_APPTAINERS = contained.is_outside() and DeploymentMethod.APPTAINER in DEPLOYED_BY

if workflow.is_main_process:
    hasten(workflow)

# Only the main process of a run checks the user's input. Jobs read only the rules, as does
# `--lint`, which is recognized because it does not check environment variables.
RUN = WorkflowRun(
    # Not what is added below, if this is a module, which each `use rule` reads again.
    {name: value for name, value in config.items() if name != "frozen_samples"},
    WORKFLOW / "schemas",
    is_main=workflow.is_main_process and workflow.check_envvars,
    files=[Path(path) for path in workflow.configfiles],
    # With a number of nodes, jobs go to a cluster or to AWS.
    cores=(
        None if workflow.resource_settings.nodes else workflow.resource_settings.cores
    ),
    is_dry_run=workflow.output_settings.dryrun,
    is_apptainers=IS_APPTAINERS,
)
# Includes the defaults. An executor sends the files named in the configuration to the jobs, and
# thus also the samples as they were at the start of the run.
config.update(RUN.config, frozen_samples=str(RUN.frozen_samples))

RESULTS = str(RUN.results)
SCRATCH = str(RUN.scratch)


container: RUN.container


# A pattern, not a list of names, because every job reads the Snakefile again.
wildcard_constraints:
    sample=r"[A-Za-z0-9][A-Za-z0-9_.-]*",


# A stage's files stay on the node that runs the genome; each is removed after the last stage that
# reads it. They are few, because each takes 2 kB of the main process's memory for each of 67,000
# genomes.
def stage_record(stage):
    return temp(f"{SCRATCH}/{{sample}}/{stage}/stage.json", group_jobs=True)


def stage_folder(stage, name):
    return temp(directory(f"{SCRATCH}/{{sample}}/{stage}/{name}"), group_jobs=True)


def stage_log(stage):
    return f"{RESULTS}/{folder.LOGS}/{{sample}}/{stage}.log"


# The start of the command that runs a script of workflow/scripts.
def command_of(script, *python):
    command = [*python, str(WORKFLOW / "scripts" / script)]
    return shlex.join(command).replace("{", "{{").replace("}", "}}")


# Where there are no tools, but an image with them (docs/slurm.md).
IN_IMAGE = ["-m", contained.__name__] if contained.is_wanted() else []
PYTHON = [contained.PYTHON] if IS_APPTAINERS else [sys.executable, *IN_IMAGE]


# All stages have the same command. It first checks the inputs; a failed check exits with 75, which
# means "try again". Later stages have higher priorities, so that a started genome is finished
# before the next one begins and few genomes occupy the disk.
#
# The options that all genomes share are one tuple, which Snakemake passes on as it is; it copies
# any other param for each job.
def stage_command(stage, inputs="{input:q}", more_options=""):
    return (
        f"{command_of('stage.py', *PYTHON)} {stage} --sample {{wildcards.sample:q}} --inputs {inputs} "
        "--outputs {output:q} --options {params.options:q} {params.identity:q} "
        f"{more_options} --threads {{threads}} "
        "--mem-mb {resources.mem_mb} --attempt {resources.attempt} --log {log:q} "
        f"--failures {shlex.quote(str(RUN.failures))}"
    )


# The identity of the genome: each stage compares it with the records of the earlier stages, and
# Snakemake makes a stage again if it has changed.
def identity(wildcards):
    return option("identity", RUN.identity_key(wildcards.sample))


# Known only after the Snakefile has been read.
def shares_files():
    return SharedFSUsage.INPUT_OUTPUT in workflow.storage_settings.shared_fs_usage


# The marks of all parts. They never exist at the start, so that their inputs are made.
def gathered(wildcards):
    RUN.check_reach(shares_files=shares_files())
    return [f"{RESULTS}/.gathered/{part}" for part in RUN.parts()]


@same_for_all_genomes
def mem_mb(wildcards, attempt):
    return RUN.config["memory_mb"] * attempt


@same_for_all_genomes
def attempt_number(wildcards, attempt):
    return attempt


def begin(log):
    RUN.start(
        runs_here=workflow.local_exec,
        shares_files=shares_files(),
        # Not SIGTERM, which has the same effect: its handler waits for a lock that the interrupted
        # thread may hold.
        stop=workflow.scheduler.exit_gracefully,
    )


def report_failures(log):
    RUN.write_report()


onstart:
    begin(log)


onerror:
    report_failures(log)


# As a module of another workflow, whose hooks alone Snakemake calls.
if not workflow.modifier.is_main_snakefile():
    add_hooks(workflow, onstart=begin, onerror=report_failures)
