rule make:
    output:
        "final.txt",
    params:
        header=workflow.source_path("header.txt"),
    shell:
        "cat {params.header} > {output}; echo made >> {output}"
