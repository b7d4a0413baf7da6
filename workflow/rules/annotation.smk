# Find genes with prokka.
rule annotation:
    input:
        stages=[rules.assembly.output.folder],
    output:
        folder=stage_folder("annotation"),
    log:
        stage_log("annotation"),
    priority: 3
    group:
        "genome"
    threads: RUN.config["threads"]
    resources:
        mem_mb=mem_mb,
        attempt=attempt_number,
    params:
        parameters=lambda wildcards: RUN.parameters("annotation", wildcards.sample),
    shell:
        RUN_STAGE
