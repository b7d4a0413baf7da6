# What all stages share: the configuration, the samples, and how a stage is called.
#
# `snakemake --lint` asks for a conda environment or a container in each rule. There is one image
# with all tools, and Snakemake itself runs in it (docs/install.md).
import shlex
import sys

from snakemake_interface_executor_plugins.settings import SharedFSUsage

from bactofleet.core.options import to_word as option
from bactofleet.records import folder
from bactofleet.run.workflow import Run

WORKFLOW = Path(workflow.current_basedir).parent

# Only the main process of a run checks what the user wrote; jobs and `--lint`, which does not look
# at environment variables either, read the rules alone.
RUN = Run(
    config,
    WORKFLOW / "schemas",
    is_main=workflow.is_main_process and workflow.check_envvars,
    files=[Path(path) for path in workflow.configfiles],
)
# With the defaults: an executor takes the files along that the configuration names, and so the
# samples as they were when the run began.
config.update(RUN.config, frozen_samples=str(RUN.frozen_samples))

RESULTS = str(RUN.results)
SCRATCH = str(RUN.scratch)


# By pattern, never by a list of names: the Snakefile is read again inside every job.
wildcard_constraints:
    sample=r"[A-Za-z0-9][A-Za-z0-9_.]*",


# A stage's files live on the node that runs the genome; each goes after the last stage that reads
# it. They are few, as each takes 2 kB of the main process for each of 67,000 genomes.
def stage_record(stage):
    return temp(f"{SCRATCH}/{{sample}}/{stage}/stage.json", group_jobs=True)


def stage_folder(stage, name):
    return temp(directory(f"{SCRATCH}/{{sample}}/{stage}/{name}"), group_jobs=True)


def stage_log(stage):
    return f"{RESULTS}/{folder.LOGS}/{{sample}}/{stage}.log"


# The start of the command that runs a script of workflow/scripts.
def python(script):
    command = [sys.executable, str(WORKFLOW / "scripts" / script)]
    return shlex.join(command).replace("{", "{{").replace("}", "}}")


# Every stage is called alike. Its inputs are checked first; a failed check exits 75, which means
# "try again". Later stages have higher priorities: a genome under way is finished before the next
# one begins, so that few of them occupy the disk.
def stage_command(stage, inputs="{input:q}"):
    return (
        f"{python('stage.py')} {stage} --sample {{wildcards.sample:q}} --inputs {inputs} "
        "--outputs {output:q} --options {params:q} --threads {threads} "
        "--mem-mb {resources.mem_mb} --attempt {resources.attempt} --log {log:q} "
        f"--failures {shlex.quote(str(RUN.failures))}"
    )


# What the genome is made of: each stage compares it with the records of the stages before, and
# Snakemake makes a stage again where it has changed.
def identity(wildcards):
    return option("identity", RUN.identity_key(wildcards.sample))


# The marks of all parts, which are never there at the start, so that what they ask for is made.
def gathered(wildcards):
    shared = workflow.storage_settings.shared_fs_usage
    RUN.check_reach(shares_files=SharedFSUsage.INPUT_OUTPUT in shared)
    return expand(rules.gather.output.mark, part=RUN.parts())


def mem_mb(wildcards, attempt):
    return RUN.config["memory_mb"] * attempt


def attempt_number(wildcards, attempt):
    return attempt


onstart:
    RUN.start(
        runs_here=workflow.local_exec,
        # Not SIGTERM, which calls it too: its handler waits for a lock that the thread which it
        # interrupts may hold.
        stop=workflow.scheduler.exit_gracefully,
    )


onerror:
    RUN.write_report()
