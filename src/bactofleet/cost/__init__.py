"""`bactofleet cost`: the bill of a run, from what its attempts and receipts record."""
