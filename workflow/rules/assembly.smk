# Assemble, polish, name the contigs, and judge the size.
rule assembly:
    input:
        stages=[rules.download.output.folder, rules.qc.output.folder],
    output:
        folder=stage_folder("assembly"),
    log:
        stage_log("assembly"),
    priority: 2
    group:
        "genome"
    threads: RUN.config["threads"]
    resources:
        mem_mb=mem_mb,
        attempt=attempt_number,
    params:
        parameters=lambda wildcards: RUN.parameters("assembly", wildcards.sample),
    shell:
        RUN_STAGE
