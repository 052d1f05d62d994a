"""Pointbell's e-mail channel with its pool: the same mails over so many connections, each with its permit.

``python -m tests.bench.smtp_client PORT MAILS CONNECTIONS FILE``
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import uvloop

from engine.deliver import EmailChannel, EmailSettings, Outgoing, Sent


async def main(port: int, mails: int, connections: int, mail: bytes) -> None:
    """Send, and print the time and the CPU it took."""
    settings = EmailSettings.model_validate(
        {"from": "club@example.org", "host": "127.0.0.1", "port": port, "tls": "none", "max_connections": connections}
    )
    channel = EmailChannel("email", settings, b"secret")
    left = iter(range(mails))

    async def permit() -> bool:
        return True

    async def send() -> None:
        for number in left:
            message = Outgoing(key=f"mail-{number}", address=f"anna.{number}@example.org", payload=mail)
            delivery = await channel.send(message, permit)
            assert isinstance(delivery, Sent), delivery

    async def first() -> None:
        await channel.send(Outgoing(key="first", address="anna@example.org", payload=mail), permit)

    await asyncio.gather(*(first() for _ in range(connections)))
    cpu, start = time.process_time(), time.perf_counter()
    # Twice as many as there are connections, as the daemon has them: the next one is ready when a connection is free.
    await asyncio.gather(*(send() for _ in range(2 * connections)))
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    await channel.close()
    print(json.dumps({"seconds": seconds, "cpu": cpu}))


if __name__ == "__main__":
    uvloop.run(main(*map(int, sys.argv[1:4]), Path(sys.argv[4]).read_bytes()))
