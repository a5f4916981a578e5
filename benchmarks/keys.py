"""A DNS server that knows the test keys. `python -m benchmarks.keys PORT`"""

import asyncio
import sys
from typing import cast

from amazon.simulator.dns_stub import KeyRecords


async def main(port: int) -> None:
    from tests.notices.builder import FakeDns

    records = FakeDns().records
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(
        lambda: cast(asyncio.DatagramProtocol, KeyRecords(lambda name: records.get(name.rstrip(".")))),
        ("127.0.0.1", port),
    )
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
