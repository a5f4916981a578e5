"""The demo's folder: data, secrets and logs, and the lock that lets one demo at a time work there."""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import Self

from feedbackfive.demo import console
from feedbackfive.demo.trouble import Trouble


class Home:
    """A context: within it the folder exists and is ours alone. Raises Trouble when it cannot be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.had_sudden_end = False  # the last demo here was killed: its children may still be ending
        self._lock = -1

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def __enter__(self) -> Self:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self.folder).close()  # it may have been there, and be read-only today
            self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as reason:
            raise Trouble(f"The demo cannot write its folder {self.folder}: {reason.strerror}.") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = self._owner()
            os.close(self._lock)
            raise Trouble(f"The demo already runs from this folder (process {owner}); end that one first.") from None
        self.had_sudden_end = bool(self._owner())
        self._write_owner(str(os.getpid()))
        return self

    def __exit__(self, *_: object) -> None:
        self._write_owner("")
        os.close(self._lock)

    def clear(self) -> None:
        """Remove everything but the lock, and say so."""
        console.say(f"Removing the demo's data, secrets and logs in {self.folder}.")
        for path in self.folder.iterdir():
            if path.name == "lock":
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    def begin_logs(self) -> None:
        """Each start has logs of its own; those of the start before stay beside them."""
        self.logs.mkdir(exist_ok=True)
        for log in self.logs.glob("*.log"):
            log.replace(log.with_suffix(".log.1"))

    def _owner(self) -> str:
        return os.pread(self._lock, 20, 0).decode()

    def _write_owner(self, text: str) -> None:
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, text.encode(), 0)
