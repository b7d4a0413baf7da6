"""Property-based tests leave no database behind, and a busy machine is no failure."""

from hypothesis import settings

settings.register_profile("bactofleet", database=None, deadline=None, max_examples=100)
settings.load_profile("bactofleet")
