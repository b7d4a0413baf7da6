"""`bactofleet doctor`: finds the mistake before it costs something; changes nothing."""
