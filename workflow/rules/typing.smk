# Sketch the assembly, find its species, and look for a second one in the reads; search the assembly
# for resistance genes, point mutations and plasmid replicons.
# Tools: Mash, for `species_references`; BLAST+ and staramr, for `resistance`; BLAST+ alone for
# `mlst_schemes`. AMRFinderPlus, which the user brings, for `amrfinder`.
rule typing:
    input:
        record=rules.assembly.output.record,
        contigs=rules.assembly.output.contigs,
        qc=rules.qc.output.record,
        reads=rules.qc.output.reads,
    output:
        record=stage_record("typing"),
        publish=stage_folder("typing", "publish"),
    log:
        stage_log("typing"),
    priority: 3
    group:
        "genome"
    threads: RUN.config["threads"]
    resources:
        mem_mb=mem_mb,
        attempt=attempt_number,
    params:
        options=RUN.options(
            "species_references", "resistance", "amrfinder", "mlst_schemes"
        ),
        identity=identity,
    shell:
        stage_command("typing")
