"""A file with one JSON line per SP-API exchange, for checking requests and answers against Amazon's models."""

import json
import threading
from pathlib import Path
from typing import Any


class Journal:
    """Appends exchanges to a file, or does nothing where no file was named."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        self._path = path

    def write(self, exchange: dict[str, Any]) -> None:
        """Append one exchange. Never holds a token or a secret: header names only."""
        if self._path is None:
            return
        line = json.dumps(exchange, ensure_ascii=False, separators=(",", ":"))
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
