"""A VPC's addresses are laid out without overlaps, and what is added at the end moves nothing."""

from ipaddress import IPv4Network

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from envwright.spec import Network, Tier
from envwright.spec.layout import Ask, Blocks, NoRoom, lay_out

VPC = IPv4Network("10.20.0.0/16")


@st.composite
def vpcs(draw: st.DrawFn) -> IPv4Network:
    prefix = draw(st.integers(16, 24))
    block = draw(st.integers(0, 2**8 - 1))
    return IPv4Network(((10 << 24) + (block << 16), prefix))


@st.composite
def asks(draw: st.DrawFn, vpc: IPv4Network) -> tuple[Ask, ...]:
    """Tiers of all three sorts; what is given lies apart and inside the VPC."""
    some = st.one_of(
        st.just(Ask()),
        st.builds(Ask, prefix=st.integers(vpc.prefixlen + 2, 28)),
    )
    cut = draw(st.lists(some, min_size=1, max_size=4))
    quarters = list(vpc.subnets(prefixlen_diff=3))
    given_blocks = draw(st.lists(st.sampled_from(quarters), unique=True, max_size=3))
    if given_blocks:
        place = draw(st.integers(0, len(cut)))
        cut.insert(place, Ask(given=tuple(given_blocks)))
    return tuple(cut)


def laid_out(vpc: IPv4Network, wanted: tuple[Ask, ...], count: int) -> tuple[Blocks, ...]:
    """The layout, or another example where there is no room."""
    try:
        return lay_out(vpc, wanted, count)
    except NoRoom:
        assume(False)
        raise


@given(st.data(), vpcs(), st.integers(1, 6))
def test_a_layout_is_sound(data: st.DataObject, vpc: IPv4Network, count: int) -> None:
    """As many blocks as are asked for, of the size asked for, in the VPC, and none overlapping."""
    wanted = data.draw(asks(vpc))
    tiers = laid_out(vpc, wanted, count)
    blocks = [block for tier in tiers for block in tier]

    for ask, tier in zip(wanted, tiers, strict=True):
        assert tier == ask.given or len(tier) == count
        assert ask.prefix is None or {block.prefixlen for block in tier} == {ask.prefix}
    assert all(block.subnet_of(vpc) for block in blocks)
    assert not any(a.overlaps(b) for i, a in enumerate(blocks) for b in blocks[:i])
    assert (
        len({tier[0].prefixlen for ask, tier in zip(wanted, tiers, strict=True) if ask.is_open})
        <= 1
    )


@given(st.data(), vpcs(), st.integers(1, 6), st.integers(17, 28))
def test_a_tier_that_is_added_with_a_prefix_moves_none(
    data: st.DataObject, vpc: IPv4Network, count: int, prefix: int
) -> None:
    """Whoever adds a tier at the end finds all others where they were."""
    wanted = data.draw(asks(vpc))
    after = laid_out(vpc, (*wanted, Ask(prefix=prefix)), count)

    assert after[:-1] == lay_out(vpc, wanted, count)


@given(zones=st.integers(1, 5), more=st.integers(1, 5), prefix=st.integers(20, 28) | st.none())
def test_a_zone_that_was_reserved_moves_none(zones: int, more: int, prefix: int | None) -> None:
    """Each tier's next block was kept for it, behind those that are in use."""
    assume(zones + more <= 6)
    tiers = (Tier(name="web", access="public", prefix=prefix), Tier(name="db", access="isolated"))
    before = Network(cidr=str(VPC), zones=zones, reserved_zones=more, tiers=tiers)
    after = Network(cidr=str(VPC), zones=zones + 1, reserved_zones=more - 1, tiers=tiers)

    for tier in ("web", "db"):
        assert after.subnet_cidrs(tier)[:zones] == before.subnet_cidrs(tier)
        assert len(after.subnet_cidrs(tier)) == zones + 1


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([Ask()], [["10.20.0.0/18", "10.20.64.0/18"]]),
        (
            [Ask(), Ask(), Ask()],
            [
                ["10.20.0.0/20", "10.20.16.0/20"],
                ["10.20.32.0/20", "10.20.48.0/20"],
                ["10.20.64.0/20", "10.20.80.0/20"],
            ],
        ),
        (
            [Ask(prefix=24), Ask(prefix=20), Ask(prefix=24)],
            [
                ["10.20.0.0/24", "10.20.1.0/24"],
                ["10.20.16.0/20", "10.20.32.0/20"],
                ["10.20.2.0/24", "10.20.3.0/24"],
            ],
        ),
        (
            [Ask(prefix=24), Ask(given=(IPv4Network("10.20.0.0/24"), IPv4Network("10.20.2.0/24")))],
            [["10.20.1.0/24", "10.20.3.0/24"], ["10.20.0.0/24", "10.20.2.0/24"]],
        ),
        (
            [Ask(given=tuple(VPC.subnets(prefixlen_diff=1))[:1]), Ask()],
            [["10.20.0.0/17"], ["10.20.128.0/19", "10.20.160.0/19"]],
        ),
    ],
    ids=["one", "three alike", "sizes", "given blocks first", "half of what is left"],
)
def test_tiers_take_the_first_free_places_in_their_order(
    wanted: list[Ask], expected: list[list[str]]
) -> None:
    """Each block begins where its size allows; gaps are filled by the smaller ones that follow."""
    blocks = lay_out(VPC, tuple(wanted), 2)

    assert [[str(block) for block in tier] for tier in blocks] == expected


def test_what_does_not_fit_is_told_by_tier() -> None:
    """The tier for which there was no room, the size, and how many did fit."""
    with pytest.raises(NoRoom) as told:
        lay_out(VPC, (Ask(prefix=18), Ask(prefix=17)), 2)

    assert (told.value.index, told.value.prefix, told.value.found) == (1, 17, 1)
