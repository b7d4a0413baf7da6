"""Where reads and assemblies come from: the archives' providers, S3 and HTTPS.

    retry.py        how long to wait before another attempt; a source's faults, told apart by type
    web.py          requests over HTTPS: opened, their faults told apart, read; questions answered
    tables.py       tables that others answer with, whole or not at all
    accessions.py   what accessions name
    runs.py         a run, as an archive describes it
    ena.py          ENA, asked by its Portal API
    sra.py          SRA, asked by the E-utilities
    search/         from a taxon, accessions or a list to rows of the sheet
    metadata.py     what a worker asks ENA and SRA about an accession
    https.py        files over HTTPS: resumed, limited, verified
    s3.py           objects on S3, signed or not
    files.py        the files that a row of the sheet names by their URLs
    ena_files.py    provider `ena`: FASTQ files of the European Nucleotide Archive
    sra_files.py    providers `sra-odp` and `sra`: archive files of SRA, turned into FASTQ
    providers.py    one provider after another, until one delivers

The library of fastq-dl (https://github.com/rpetit3/fastq-dl), which Bactopia uses, is not used
here: it pins pandas below 3 and markdown-it-py to 2.2, it looks up every accession, it keeps
nothing of a broken transfer, and its SRA side runs sracha, which resolves every run at NCBI. What
it does right (the grouping of files into mates, orphans beside them) is done alike.
"""
