"""What all worlds of one run share: the emulator behind their clouds, and the fork server."""

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from tests.chaos.workers import Workers
from tests.chaos.world import World
from tests.cloud.aws import Emulator

AT_ONCE: Final = 20
"""Worlds side by side: most of a world's life is spent waiting for a lease to run out."""


class Arena:
    """Makes worlds, not too many at once."""

    def __init__(self, emulator_url: str, workers: Workers, at_once: int = AT_ONCE) -> None:
        self._emulator_url = emulator_url
        self._workers = workers
        self._room = asyncio.Semaphore(at_once)
        self._accounts = itertools.count(100_000_000_000)

    @asynccontextmanager
    async def world(self, settings: Mapping[str, str] | None = None) -> AsyncIterator[World]:
        """A world whose workers have these settings beside their own."""
        async with self._room:
            account = str(next(self._accounts))
            async with World(self._emulator_url, account, self._workers, settings or {}) as world:
                yield world


@asynccontextmanager
async def arena(at_once: int = AT_ONCE) -> AsyncIterator[Arena]:
    """An arena with an emulator and a fork server of its own."""
    with tempfile.TemporaryDirectory(prefix="envwright-chaos-") as directory:
        emulator = Emulator(Path(directory))
        emulator.start()
        try:
            async with Workers() as workers:
                yield Arena(emulator.url, workers, at_once)
        finally:
            emulator.child.kill()
