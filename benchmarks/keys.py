"""A DNS server for the keys in a JSON file of name -> TXT record. `python -m benchmarks.keys PORT FILE`

The test keys are made anew in each process, so whoever signs hands its own over.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import cast

from amazon.simulator.dns_stub import KeyRecords


async def main(port: int, file: Path) -> None:
    records: dict[str, str] = {name.rstrip("."): record for name, record in json.loads(file.read_text()).items()}
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(
        lambda: cast(asyncio.DatagramProtocol, KeyRecords(records.get)), ("127.0.0.1", port)
    )
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
