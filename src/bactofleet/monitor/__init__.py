"""`bactofleet status`: progress of a run, read from its files; nothing is written."""
