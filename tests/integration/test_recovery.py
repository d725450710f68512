"""A lost record, written anew from the tags in AWS; what it says can be taken down."""

import pytest

from envwright.errors import NotAllowed, SpecConflict
from envwright.names import Step, lost_id
from envwright.record import ResourceState
from envwright.spec import Account
from envwright.states import State
from envwright.survey import Place
from tasks.kinds import TAGGED
from tasks.resources.base import kind_name
from tests.cloud import Cloud, hiding
from tests.everything import EVERYTHING, REGION
from tests.harness import Environment, existing
from tests.integration.conftest import Begin
from tests.specs import spec
from tests.surveys import EXTERNAL_ID, ROLE, keys_of, look, recover
from worker.servers import LocalAws


async def test_a_lost_record_is_written_anew_from_tags(everything: Environment) -> None:
    """With the uid and every tagged resource of the old one, and nothing that is not certain."""
    before = everything.record
    with keys_of(everything) as keys:
        keys.forget(everything.id)

    found = await look(everything)
    assert recover(everything, found) == [everything.id]

    record = everything.record
    assert (record.state, record.uid, record.spec) == (State.RECOVERED, before.uid, None)
    assert (record.identity.name, record.identity.region) == ("everything", REGION)
    assert {key: set(one.ids) for key, one in record.resources.items()} == {
        key: set(one.ids) for key, one in before.resources.items() if kind_name(key) in TAGGED
    }
    assert {one.state for one in record.resources.values()} == {ResourceState.CREATED}
    (moved, *resources) = everything.client.events(everything.id)
    assert (moved.type, moved.state) == ("state", State.RECOVERED)
    assert {one.resource for one in resources} == set(record.resources)

    again = await look(everything)
    assert (again.lost, again.unrecorded, again.strays, again.on_record) == ([], [], [], 1)
    assert recover(everything, found) == [None]


async def test_where_it_was_found_is_where_it_is_taken_down(begin: Begin) -> None:
    """By the same role, with the same external id; elsewhere AWS would show nothing of it."""
    account = Account(role_arn=ROLE, external_id=EXTERNAL_ID)
    async with begin(spec("web", account=account.model_dump())) as env:
        assert (await env.to_rest()).state is State.READY
        with keys_of(env) as keys:
            keys.forget(env.id)
        assert (await look(env)).lost == []
        place = Place(region=REGION, account=account)

        assert recover(env, await look(env, place)) == [env.id]
        assert env.record.identity.account == account
        assert (await env.take_down()).state is State.DESTROYED
        with keys_of(env) as keys:
            keys.forget(env.id)
        assert (await look(env, place)).lost == []


async def test_the_account_it_was_found_in_is_kept(everything: Environment) -> None:
    """So that a worker with the credentials of another one does not take it for gone."""
    before = everything.record.lookups["account"]
    with keys_of(everything) as keys:
        keys.forget(everything.id)

    recover(everything, await look(everything))

    assert everything.record.lookups == {"account": before}


async def test_a_recovered_environment_is_never_built_on(everything: Environment) -> None:
    """What was wished for is lost: not to be retried, and no spec is taken for it."""
    with keys_of(everything) as keys:
        keys.forget(everything.id)
    recover(everything, await look(everything))

    with pytest.raises(NotAllowed, match="What this one was to be is lost"):
        everything.client.retry(everything.id)
    with pytest.raises(SpecConflict, match="recovered from tags"):
        everything.client.enqueue(EVERYTHING)
    assert everything.record.state is State.RECOVERED


async def test_a_recovered_environment_is_taken_down_whole_and_built_anew(
    everything: Environment, cloud: Cloud, aws: LocalAws
) -> None:
    """Also what has no tags; and the next life has a uid, and so client tokens, of its own."""
    with keys_of(everything) as keys:
        keys.forget(everything.id)
    recover(everything, await look(everything))
    recovered = everything.record

    assert (await everything.take_down()).state is State.DESTROYED
    assert await existing(aws.url) == {}

    everything.client.enqueue(EVERYTHING)
    built = await everything.to_rest()
    assert (built.state, built.recovered) == (State.READY, None)
    assert built.uid != recovered.uid


async def test_what_shows_late_is_taken_down_too(begin: Begin, cloud: Cloud, aws: LocalAws) -> None:
    """The lost record may have held open intents: cleanup waits until they had their time."""
    async with begin(EVERYTHING, settle_time=1.0) as env:
        await env.run(Step.NETWORK)
        await env.die_at(cloud, "CreateSecurityGroup", after_effect=True)
        with keys_of(env) as keys:
            keys.forget(env.id)
        cloud.inject("DescribeTags", hiding("sg-"), times=3)
        found = await look(env)
        assert not any("security_group" in key for key in found.lost[0].holding.resources)
        recover(env, found)

        assert (await env.take_down()).state is State.DESTROYED

    assert await existing(aws.url) == {}


async def test_beside_a_record_of_the_same_name_the_lost_one_has_an_id_of_its_own(
    everything: Environment, cloud: Cloud, aws: LocalAws
) -> None:
    """Each is taken down alone, and the name is that of the one that was asked for last."""
    lost = everything.record
    old = await existing(aws.url)
    await everything.forget_record()
    # These show only to the cleanup, which must look for them by the id that the tags have.
    cloud.inject("DescribeTags", hiding("sg-"))
    found = await look(everything)

    assert recover(everything, found) == [lost_id(everything.id, lost.uid)]
    assert everything.client.resolve("everything") == everything.id

    apart = Environment(
        everything.client, everything.worker, everything._redis, f"{everything.id}~{lost.uid}"
    )
    assert (await apart.take_down()).state is State.DESTROYED
    assert await existing(aws.url) == {}
    assert (await everything.to_rest()).state is State.READY
    new = await existing(aws.url)
    assert {kind: len(ids) for kind, ids in new.items()} == {
        kind: len(ids) for kind, ids in old.items()
    }
