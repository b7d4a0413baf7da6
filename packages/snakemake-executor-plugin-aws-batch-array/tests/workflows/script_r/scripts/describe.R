writeLines("described", snakemake@output[[1]])
