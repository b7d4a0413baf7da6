# Bring the reads or the assembly here, real copies; check them; find the size of the genome.
rule download:
    input:
        # The files of a sample are looked at by the script, which knows what a missing one means.
        stages=[],
    output:
        folder=stage_folder("download"),
    log:
        stage_log("download"),
    priority: 0
    group:
        "genome"
    threads: RUN.config["threads"]
    resources:
        mem_mb=mem_mb,
        attempt=attempt_number,
    params:
        parameters=lambda wildcards: RUN.parameters("download", wildcards.sample),
    shell:
        RUN_STAGE
