"""What all tests share."""

import signal

# Where pytest is a background job of a shell, SIGINT is ignored, also by what a test starts and
# interrupts: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_11
signal.signal(signal.SIGINT, signal.default_int_handler)
