"""Replace `multiprocessing.Manager`, which needs sockets, by one that needs none.

Stages may open no sockets (core/confine.py), not even those between processes of one machine, with
which Python's manager serves its objects and which would lead to the services of a machine. Flye
needs of it a lock, a dictionary that is filled before the processes are started, and queues that
are read after they have ended.

Only Python's own modules are imported, because tools run in another Python than bactofleet.
"""

import multiprocessing
import os
import pickle
import struct
import tempfile
from typing import Any

_LENGTH = struct.Struct("=Q")


class FileQueue:
    """A queue without limit for processes that are forked: a file to which all append."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # as long as the queue
        self._lock = multiprocessing.Lock()
        self._begin = 0

    def put(self, item: Any) -> None:
        """Append an item."""
        data = pickle.dumps(item)
        with self._lock:
            self._file.seek(0, os.SEEK_END)
            self._file.write(_LENGTH.pack(len(data)) + data)
            self._file.flush()

    def empty(self) -> bool:
        """Say whether this process has got all items."""
        return self._begin == os.fstat(self._file.fileno()).st_size

    def get(self) -> Any:
        """Return the first item that this process has not got yet; raise `EOFError` for none."""
        with self._lock:
            self._file.seek(self._begin)
            if not (head := self._file.read(_LENGTH.size)):
                raise EOFError
            data = self._file.read(*_LENGTH.unpack(head))
            self._begin = self._file.tell()
        return pickle.loads(data)  # noqa: S301  # of our own processes


class Manager:
    """What Flye asks of `multiprocessing.Manager()`."""

    Queue = FileQueue
    Lock = staticmethod(multiprocessing.Lock)
    dict = dict


multiprocessing.Manager = Manager  # type: ignore[assignment]
