"""What a run does: plan, limits, the container, and what the Snakefile needs of them."""
