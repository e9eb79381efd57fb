"""Many tasks at once from asyncio, and what happens to them as it happens."""

import asyncio

from netmito.aio import AsyncMitoClient


async def main() -> None:
    async with AsyncMitoClient() as mito:
        await mito.connect()
        succeeded = 0
        async for done in mito.map(lambda number: ["sh", "-c", f"exit {number % 2}"], range(10), timeout="5m"):
            succeeded += done.succeeded
        print(f"{succeeded} of 10 tasks succeeded")


asyncio.run(main())
