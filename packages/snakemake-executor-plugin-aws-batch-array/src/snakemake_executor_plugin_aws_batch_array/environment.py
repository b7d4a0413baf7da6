"""Environment variables between controller, child and rules."""

# Set by the plugin. Names that begin with AWS_BATCH are reserved:
# https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerOverrides.html
BUCKET = "SNAKEMAKE_BATCH_BUCKET"
RUN_PREFIX = "SNAKEMAKE_BATCH_RUN_PREFIX"
BUNDLE_SHA256 = "SNAKEMAKE_BATCH_BUNDLE_SHA256"
SCRATCH = "SNAKEMAKE_BATCH_SCRATCH"
ARRAY = "SNAKEMAKE_BATCH_ARRAY"
LINE_BYTES = "SNAKEMAKE_BATCH_LINE_BYTES"
VERSIONS = "SNAKEMAKE_BATCH_VERSIONS"

# Set by Batch: https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html
ARRAY_INDEX = "AWS_BATCH_JOB_ARRAY_INDEX"
ATTEMPT = "AWS_BATCH_JOB_ATTEMPT"
JOB_ID = "AWS_BATCH_JOB_ID"

# Set by the child for its rules: a failing command may write its exit code to this file, and on a
# second line a sentence with the stage and the reason.
EXIT_CODE_FILE = "SNAKEMAKE_JOB_EXIT_CODE_FILE"

# The child's file for its Snakemake: digests of the jobs that it may run, with their inputs.
EXPECTED_INPUTS = "SNAKEMAKE_BATCH_EXPECTED_INPUTS"

# First words of the log line in which an attempt says where it runs.
HOST_LINE = "aws-batch-array host: "
# First words of the log line in which an attempt says why it failed.
REASON_LINE = "aws-batch-array reason: "
