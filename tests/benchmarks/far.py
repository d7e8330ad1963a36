"""A server far away: a proxy on loopback that passes every byte on half a round trip later."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread


@contextmanager
def far(port: int, seconds: float) -> Iterator[int]:
    """The port of a proxy before the server at `port` on loopback, with a round trip of `seconds`."""
    ready, done = Event(), Event()
    found: list[int] = []

    async def serve() -> None:
        server = await asyncio.start_server(
            lambda *client: _carry(*client, port, seconds / 2), "127.0.0.1", 0
        )
        found.append(server.sockets[0].getsockname()[1])
        ready.set()
        async with server:
            await asyncio.to_thread(done.wait)

    thread = Thread(target=lambda: asyncio.run(serve()), name="far", daemon=True)
    thread.start()
    ready.wait()
    try:
        yield found[0]
    finally:
        done.set()
        thread.join(5)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, delay: float) -> None:
    there, back = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(_one_way(reader, back, delay), _one_way(there, writer, delay))


async def _one_way(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Bytes leave in their order, each `delay` after it came, whatever came meanwhile."""
    loop = asyncio.get_running_loop()
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due, data = await under_way.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                break
            writer.write(data)
        writer.close()

    delivery = asyncio.create_task(deliver())
    try:
        while data := await reader.read(65536):
            under_way.put_nowait((loop.time() + delay, data))
    except ConnectionError:
        pass
    under_way.put_nowait((loop.time() + delay, b""))
    await delivery
