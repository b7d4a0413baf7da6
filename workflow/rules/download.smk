# Fetch the reads or the assembly as real copies; check them; find the size of the genome.
# Tools: KMC, pigz; fasterq-dump and prefetch for accessions; ART for `simulate_reads`.
rule download:
    # Not the files of a sample: the stage checks them, because it knows what a missing one means.
    input:
        # A file newer than the files in scratch, if those no longer fit.
        lambda wildcards: RUN.reason_to_start_again(wildcards.sample),
    output:
        record=stage_record("download"),
        reads=stage_folder("download", "reads"),
        assembly=stage_folder("download", "assembly"),
        publish=stage_folder("download", "publish"),
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
        options=(
            *RUN.options("providers", "min_reads", "min_basepairs", "min_proportion"),
            *RUN.options("min_genome_size", "max_genome_size", "simulate_reads"),
            *RUN.options("coverage", "keep"),
            option("references", addresses_in(RUN.config)),
            # The stage reads the sample's row itself: a URL may hold a secret, and params become
            # part of a command.
            option("samples", str(RUN.frozen_samples)),
            option("parameters", RUN.parameters_checksum),
        ),
        identity=identity,
    shell:
        stage_command("download", inputs="")
