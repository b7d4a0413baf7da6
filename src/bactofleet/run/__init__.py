"""What a run does: plan, budget, container, and the interface to the Snakefile."""
