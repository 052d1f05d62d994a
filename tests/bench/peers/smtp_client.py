"""aiosmtplib on its own: so many kept connections, each sending one ready mail after the other.

``python -m tests.bench.peers.smtp_client PORT MAILS CONNECTIONS FILE``; needs nothing but aiosmtplib and uvloop.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import aiosmtplib
import uvloop


async def main(port: int, mails: int, connections: int, mail: bytes) -> None:
    clients = [
        aiosmtplib.SMTP(hostname="127.0.0.1", port=port, use_tls=False, start_tls=False) for _ in range(connections)
    ]
    await asyncio.gather(*(client.connect() for client in clients))
    left = iter(range(mails))

    async def send(client: aiosmtplib.SMTP) -> None:
        for number in left:
            await client.sendmail("club@example.org", [f"anna.{number}@example.org"], mail)

    cpu, start = time.process_time(), time.perf_counter()
    await asyncio.gather(*map(send, clients))
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    await asyncio.gather(*(client.quit() for client in clients))
    print(json.dumps({"seconds": seconds, "cpu": cpu}))


if __name__ == "__main__":
    uvloop.run(main(*map(int, sys.argv[1:4]), Path(sys.argv[4]).read_bytes()))
