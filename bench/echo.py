"""A raw asyncio unix socket that answers every line with the same bytes: `-m bench.echo PATH SIZE`.

What nobody can save who answers on a socket from a loop. A process of its own, as the daemon is.
"""

import asyncio
import sys
from contextlib import suppress


async def serve(path: str, size: int) -> None:
    """Answer until killed. size: bytes of an answer, its line feed included."""
    answer = b"x" * (size - 1) + b"\n"

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):  # a client may hang up with an answer on its way
            while await reader.readline():
                writer.write(answer)
                await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(talk, path) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
