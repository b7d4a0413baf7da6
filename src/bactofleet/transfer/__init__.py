"""What a cohort left at its destination: compared with its receipts, fetched, told of again."""
