"""`bactofleet status`: how far a run is, from the files that it leaves; nothing is written."""
