"""Where reads and assemblies come from: the archives' providers, S3 and HTTPS.

    retry.py        how long to wait before another attempt; one error type per kind of fault
    web.py          requests over HTTPS, their errors, and a client for queries
    tables.py       tables that archives return, complete or not at all
    accessions.py   the kinds of accessions
    runs.py         a run as an archive describes it
    ena.py          ENA, queried through its Portal API
    sra.py          SRA, queried through the E-utilities
    search/         from a taxon, accessions or a list to rows of the sheet
    metadata.py     what a worker asks ENA and SRA about an accession
    https.py        files over HTTPS: resumed, limited, verified
    s3.py           objects on S3, signed or not
    files.py        the files that a row of the sheet gives by URL
    ena_files.py    provider `ena`: FASTQ files of the European Nucleotide Archive
    sra_files.py    providers `sra-odp` and `sra`: archive files of SRA, turned into FASTQ
    providers.py    one provider after another, until one delivers

The library of fastq-dl (https://github.com/rpetit3/fastq-dl), which Bactopia uses, is not used
here: it pins pandas below 3 and markdown-it-py to 2.2, it looks up every accession, it discards a
broken transfer, and for SRA it runs sracha, which resolves every run at NCBI. Its good parts (the
grouping of files into mates and orphans) are done in the same way here.
"""
