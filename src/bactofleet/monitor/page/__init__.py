"""`bactofleet serve`: the status as a web page on this machine that refreshes itself."""
