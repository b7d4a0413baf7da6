# Trim adapters and quality, cap the depth, describe the reads before and after.
rule qc:
    input:
        stages=[rules.download.output.folder],
    output:
        folder=stage_folder("qc"),
    log:
        stage_log("qc"),
    priority: 1
    group:
        "genome"
    threads: RUN.config["threads"]
    resources:
        mem_mb=mem_mb,
        attempt=attempt_number,
    params:
        parameters=lambda wildcards: RUN.parameters("qc", wildcards.sample),
    shell:
        RUN_STAGE
