"""`bactofleet cost`: the bill of a run, from the records of its attempts and genomes."""
