"""What a cohort was made from, and by what: input files, references of the tools, an RO-Crate."""
