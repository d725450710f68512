"""Of a group, what is named is changed, and what stands beside it is not."""

from envwright.states import State
from tests.changes import IN_ZONE_A, IN_ZONE_B, changed, instances_of, states, with_count
from tests.cloud import Cloud
from tests.everything import ALL_OF_WEB
from tests.harness import counts, outsider
from tests.integration.conftest import Begin
from worker.servers import LocalAws


async def test_one_of_a_group_is_changed_and_the_others_are_not(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """Two in each zone, one stopped by hand and one terminated: replacing another leaves them."""
    async with begin(with_count(4)) as env:
        stopped, doomed = (await env.to_rest()).resources[IN_ZONE_A].ids
        lost, other = env.record.resources[IN_ZONE_B].ids
        async with outsider(aws.url) as ec2:
            await ec2.stop_instances(InstanceIds=[stopped])
            await ec2.terminate_instances(InstanceIds=[lost])

        after = await changed(env, "replace", doomed)

        assert after.state is State.READY
        assert after.resources[IN_ZONE_A].ids[0] == stopped
        assert len(after.resources[IN_ZONE_A].ids) == 2
        assert await states(aws.url, [stopped, doomed, other]) == {
            stopped: "stopped",
            doomed: "terminated",
            other: "running",
        }
        assert after.outputs is not None
        shown = {one.id: one.state for one in after.outputs.instances}
        assert (shown[stopped], shown[other], lost in shown) == ("stopped", "running", False)


async def test_a_place_that_was_emptied_is_filled_by_replacing_the_group(
    begin: Begin, aws: LocalAws
) -> None:
    """Terminated ones stay away, whatever else is replaced, until the group itself is."""
    async with begin(with_count(4)) as env:
        first, second = (await env.to_rest()).resources[IN_ZONE_A].ids
        (third, _) = env.record.resources[IN_ZONE_B].ids

        assert len(instances_of(await changed(env, "terminate", first))) == 3
        assert len(instances_of(await changed(env, "replace", second, third))) == 3
        after = await changed(env, "replace", "web")

        assert after.state is State.READY
        assert len(instances_of(after)) == 4
    assert await counts(aws.url) == ALL_OF_WEB | {"instance": 4, "volume": 4}


async def test_what_stands_on_instances_ends_and_comes_with_them(
    begin: Begin, aws: LocalAws
) -> None:
    """The check that a launch cannot switch off is off again for the new ones."""
    async with begin(with_count(2, source_dest_check=False)) as env:
        (one,) = (await env.to_rest()).resources[IN_ZONE_A].ids
        beside = "instance/source_dest_check/web-eu-west-1a"
        assert (await changed(env, "terminate", one)).resources[beside].ids == ()

        after = await changed(env, "replace", "web")

        assert after.state is State.READY, after.failure
        assert after.resources[beside].ids == after.resources[IN_ZONE_A].ids
    async with outsider(aws.url) as ec2:
        answer = await ec2.describe_instances(InstanceIds=instances_of(after))
    found = [one for reservation in answer["Reservations"] for one in reservation["Instances"]]
    assert [one["SourceDestCheck"] for one in found] == [False, False]
