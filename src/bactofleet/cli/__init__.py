"""The bactofleet command: a file for each subcommand."""
