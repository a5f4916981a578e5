"""A line that is 10 ms long: passes bytes on to a port of this machine and back, each late.

`python -m benchmarks.delaying PORT TO [MILLISECONDS]`
"""

import asyncio
import sys

import uvloop


async def main(port: int, to: int, late: float) -> None:
    loop = asyncio.get_running_loop()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                loop.call_later(late, writer.write, data)
        except OSError:
            pass
        loop.call_later(late, writer.close)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", to)
        await asyncio.gather(carry(reader, back), carry(there, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", port, backlog=512)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000 if len(sys.argv) > 3 else 0.01))
