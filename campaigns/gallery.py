"""Letters to start from, in six languages: `gallery.toml`. Each keeps Amazon's guidelines; a test sees to it."""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from campaigns.rendering import Source

_FILE: Final = Path(__file__).parent / "gallery.toml"


@dataclass(frozen=True, slots=True)
class Starter:
    """One letter, in several languages."""

    key: str
    title: str
    text: str  # what it is for
    letters: dict[str, Source]


@lru_cache(maxsize=1)
def starters() -> dict[str, Starter]:
    rows = tomllib.loads(_FILE.read_text("utf-8"))
    return {
        key: Starter(
            key,
            row.pop("title"),
            row.pop("text"),
            {language: Source(each["subject"], each["body"].strip()) for language, each in row.items()},
        )
        for key, row in rows.items()
    }
