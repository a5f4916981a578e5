"""aiosmtpd as it comes, throwing every mail away: the yardstick of the listener.

`python -m benchmarks.discarding PORT`
"""

import asyncio
import sys
from typing import Any

from aiosmtpd.smtp import SMTP


class Discard:
    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        return "250 OK"


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(Discard(), hostname="x"), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
