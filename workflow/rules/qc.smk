# Trim adapters and quality, cap the depth, describe the reads before and after.
# Tools: fastp; bbduk for `phix`; Lighter for `error_correction`; seqtk and pigz for `coverage`.
rule qc:
    input:
        record=rules.download.output.record,
        reads=rules.download.output.reads,
    output:
        record=stage_record("qc"),
        reads=stage_folder("qc", "reads"),
        publish=stage_folder("qc", "publish"),
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
        options=RUN.options(
            *("fastp_options", "phix", "error_correction", "coverage", "keep"),
            *("min_reads", "min_basepairs", "min_proportion", "min_coverage"),
        ),
        identity=identity,
    shell:
        stage_command("qc")
