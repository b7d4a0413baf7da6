"""`bactofleet serve`: the status as a page of this machine, which refreshes itself."""
