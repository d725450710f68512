"""How a VPC's addresses are laid out: the block of each tier in each zone, without overlaps.

Nothing but arithmetic: the same asks give the same blocks, today and when one zone more is asked
for out of the reserved ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network
from typing import Final, TypeAlias

from envwright.spec.addresses import MAX_PREFIX

Blocks: TypeAlias = tuple[IPv4Network, ...]

_BITS: Final = 32


@dataclass(frozen=True, slots=True)
class Ask:
    """What a tier asks for: blocks that are given, blocks of a size, or of any size."""

    prefix: int | None = None
    given: Blocks = ()

    @property
    def is_open(self) -> bool:
        return self.prefix is None and not self.given


class NoRoom(Exception):
    """The blocks of a tier do not fit beside those that come before it."""

    def __init__(self, index: int, prefix: int, found: int) -> None:
        """`index` is the tier's, `found` the number of its blocks that did fit."""
        super().__init__(index, prefix, found)
        self.index = index
        self.prefix = prefix
        self.found = found


@lru_cache(maxsize=1024)
def lay_out(vpc: IPv4Network, asks: tuple[Ask, ...], count: int) -> tuple[Blocks, ...]:
    """The blocks of each tier: its given ones, or `count` that are cut for it. Raises `NoRoom`.

    Given blocks come first, wherever they stand; then each tier in order takes the first free
    places. The tiers that name no size share one: the largest of which all their blocks take up
    half, at most, of what is left to them; no block is smaller than AWS's /28. What comes after
    the last of them does not count there, so that a tier which is added at the end moves none.
    """
    last_open = max((index for index, ask in enumerate(asks) if ask.is_open), default=-1)
    if last_open < 0:
        return _placed(vpc, asks, count, MAX_PREFIX)
    for prefix in range(vpc.prefixlen, MAX_PREFIX):
        if _leaves_half(vpc, asks, last_open, count, prefix) and _fits(
            vpc, asks, last_open, count, prefix
        ):
            return _placed(vpc, asks, count, prefix)
    return _placed(vpc, asks, count, MAX_PREFIX)


def _leaves_half(
    vpc: IPv4Network, asks: Sequence[Ask], last_open: int, count: int, prefix: int
) -> bool:
    up_to = asks[: last_open + 1]
    given = sum(block.num_addresses for ask in asks for block in ask.given)
    sized = sum(count * _size(ask.prefix) for ask in up_to if ask.prefix is not None)
    wanted = sum(count * _size(prefix) for ask in up_to if ask.is_open)
    return 2 * wanted <= vpc.num_addresses - given - sized


def _fits(vpc: IPv4Network, asks: Sequence[Ask], last_open: int, count: int, prefix: int) -> bool:
    later = [Ask(given=ask.given) for ask in asks[last_open + 1 :] if ask.given]
    try:
        _placed(vpc, (*asks[: last_open + 1], *later), count, prefix)
    except NoRoom:
        return False
    return True


def _placed(
    vpc: IPv4Network, asks: Sequence[Ask], count: int, open_prefix: int
) -> tuple[Blocks, ...]:
    taken = [block for ask in asks for block in ask.given]
    placed: list[Blocks] = []
    for index, ask in enumerate(asks):
        if ask.given:
            placed.append(ask.given)
            continue
        prefix = ask.prefix or open_prefix
        blocks: list[IPv4Network] = []
        while len(blocks) < count:
            block = _first_free(vpc, prefix, taken)
            if block is None:
                raise NoRoom(index, prefix, len(blocks))
            blocks.append(block)
            taken.append(block)
        placed.append(tuple(blocks))
    return tuple(placed)


def _first_free(vpc: IPv4Network, prefix: int, taken: Sequence[IPv4Network]) -> IPv4Network | None:
    size = _size(prefix)
    start, end = int(vpc.network_address), int(vpc.broadcast_address) + 1
    while start + size <= end:
        block = IPv4Network((start, prefix))
        beyond = max(
            (int(one.broadcast_address) + 1 for one in taken if one.overlaps(block)), default=0
        )
        if not beyond:
            return block
        start = -(-beyond // size) * size
    return None


def _size(prefix: int) -> int:
    return 1 << (_BITS - prefix)
