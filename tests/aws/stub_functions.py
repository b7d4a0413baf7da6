"""What stubbed children do in the tests of the emulator."""

from emulator.batch.stubs import StubChild


def succeed(child: StubChild) -> int:
    """End well."""
    return 0


def put_index(child: StubChild) -> int:
    """Put an object named by the index to the bucket that the environment names."""
    child.put_object(child.environment["BUCKET"], f"{child.index}.txt", b"done")
    return 0


def succeed_on_the_second_attempt(child: StubChild) -> int:
    """Exit 75 at first."""
    return 0 if child.attempt == 2 else 75
