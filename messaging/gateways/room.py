"""Room for so many bytes at a time, so that what is large waits for what is large and the memory stays bounded."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Room:
    """For one event loop. What is larger than the whole room goes alone."""

    def __init__(self, most: int) -> None:
        self._most = self._left = most
        self._freed = asyncio.Condition()

    @asynccontextmanager
    async def of(self, size: int, *, patience: float) -> AsyncIterator[None]:
        """Raises TimeoutError when there is none for so many seconds."""
        size = min(size, self._most)
        async with self._freed:
            async with asyncio.timeout(patience):
                await self._freed.wait_for(lambda: self._left >= size)
            self._left -= size
        try:
            yield
        finally:
            async with self._freed:
                self._left += size
                self._freed.notify_all()
