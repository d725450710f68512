"""What AWS holds and no record names: found by tags, told apart, put on record, taken down."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis import Redis

from envwright.cli.findings import show_recovered
from envwright.client import Client
from envwright.errors import NotAllowed, SpecConflict, StoreCorrupt, StoreUnavailable, SurveyFailed
from envwright.names import TAG_RECORD, TAG_RESOURCE, Step, lost_id
from envwright.record import ResourceState, State
from envwright.recovery import Findings, Recovery
from envwright.recovery_store import RecoveryStore
from envwright.settings import ClientSettings
from envwright.spec import Account
from envwright.survey import Place, Stray
from tasks.lease import Look
from tasks.network import VPC
from tasks.survey import look_around
from tests.cloud import ALWAYS, Behaviour, Call, Cloud, Durations, Reply, hiding
from tests.cloud.faults import Forward
from tests.harness import (
    EVERYTHING,
    REGION,
    Environment,
    existing,
    outsider,
    until,
)
from tests.integration.conftest import Begin
from tests.specs import spec
from worker.servers import LocalAws, LocalRedis

HERE = Place(region=REGION)
ROLE = "arn:aws:iam::210987654321:role/builder"
EXTERNAL_ID = "canary-7f3a"


async def look(env: Environment, place: Place = HERE) -> Findings:
    """What a caller is told by a worker, whose task is played here without Celery."""
    settings = env.worker.settings
    with Recovery(settings) as recovery, RedisKeys(settings) as keys:
        asking = asyncio.create_task(asyncio.to_thread(recovery.look, place, 10))
        await until(lambda: keys.surveys() or asking.done())
        (survey_id,) = keys.surveys()
        ec2: Any = await env.worker.clients.door("ec2", place.region, place.account, Look(10))
        store = RecoveryStore(settings)
        own = None if place.account else await env.worker.clients.own_account(REGION, Look(10))
        store.answer(survey_id, await look_around(ec2, own))
        store.close()
        return await asking


class RedisKeys:
    """The surveys that wait for an answer, and the messages."""

    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings
        self._redis = Redis.from_url(settings.redis_url, decode_responses=True)

    def __enter__(self) -> "RedisKeys":
        return self

    def __exit__(self, *_: object) -> None:
        self._redis.close()

    def surveys(self) -> list[str]:
        keys: Any = self._redis.keys(self._settings.keys.survey("*"))
        return [
            key.removeprefix(self._settings.keys.survey(""))
            for key in keys
            if self._redis.hexists(key, "place")
        ]

    def messages(self) -> list[str]:
        found: Any = self._redis.lrange(self._settings.queue, 0, -1)
        return list(found)

    def lives_for(self, survey_id: str) -> Any:
        return self._redis.ttl(self._settings.keys.survey(survey_id))

    def forget(self, environment_id: str) -> None:
        """Lose a record with its history, and that there ever was one."""
        keys = self._settings.keys
        self._redis.delete(keys.record(environment_id), keys.events(environment_id))
        self._redis.zrem(keys.environments, environment_id)

    def spoil(self, environment_id: str, **fields: str) -> None:
        self._redis.hset(self._settings.keys.record(environment_id), mapping=fields)


def keys_of(env: Environment) -> RedisKeys:
    return RedisKeys(env.worker.settings)


def recover(env: Environment, found: Findings) -> list[str | None]:
    with Recovery(env.worker.settings) as recovery:
        return [recovery.recover(one) for one in found.lost]


@pytest.fixture
async def everything(begin: Begin) -> AsyncIterator[Environment]:
    """EVERYTHING, ready."""
    async with begin(EVERYTHING) as env:
        assert (await env.to_rest()).state is State.READY
        yield env


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
    untagged = ("internet_gateway_attachment", "main_route", "security_group_rules", "vpc_dns")
    assert {key: set(one.ids) for key, one in record.resources.items()} == {
        key: set(one.ids)
        for key, one in before.resources.items()
        if key.split("/")[1] not in untagged
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


async def test_what_is_gone_is_no_orphan_though_its_tags_are_there(
    everything: Environment, cloud: Cloud, aws: LocalAws
) -> None:
    """A terminated instance keeps them for an hour, and all else for a while."""
    cloud.behave(Behaviour(durations=Durations(tags_outlive=3600.0)))
    assert (await everything.take_down()).state is State.DESTROYED
    with keys_of(everything) as keys:
        keys.forget(everything.id)
    async with outsider(cloud.url) as ec2:
        kinds = {tag["ResourceType"] for tag in (await ec2.describe_tags())["Tags"]}
        assert {"vpc", "instance"} <= kinds

    found = await look(everything)

    assert (found.lost, found.strays, found.on_record) == ([], [], 0)


async def test_what_has_spoilt_tags_is_told_of_and_belongs_to_nobody(
    everything: Environment, aws: LocalAws
) -> None:
    """Without a record's tag it cannot be told whose it is; nor of a kind that is not known."""
    record = everything.record
    (vpc,) = record.resources[VPC].ids
    (gateway,) = record.resources["network/internet_gateway/main"].ids
    async with outsider(aws.url) as ec2:
        await ec2.delete_tags(Resources=[vpc], Tags=[{"Key": TAG_RECORD}])
        value = f"{everything.id}/network/moon/main"
        await ec2.create_tags(Resources=[gateway], Tags=[{"Key": TAG_RESOURCE, "Value": value}])
    with keys_of(everything) as keys:
        keys.forget(everything.id)

    found = await look(everything)

    assert {one.id: one.why for one in found.strays} == {
        vpc: f"{TAG_RESOURCE} is {everything.id}/{VPC}, no {TAG_RECORD}",
        gateway: f"{TAG_RESOURCE} is {value}, {TAG_RECORD} is {everything.id}/{record.uid}: "
        f"no kind that is known",
    }
    ids = {one for lost in found.lost for some in lost.holding.resources.values() for one in some}
    assert ids
    assert not {vpc, gateway} & ids


async def test_what_is_tagged_as_another_kind_is_told_of(
    everything: Environment, aws: LocalAws
) -> None:
    """It is there, whatever its tag says that it is; and what is gone is not told of."""
    marks = tagged_as(everything, "network/subnet/x")
    there, gone = await a_vpc(aws, marks), await a_vpc(aws, marks)
    async with outsider(aws.url) as ec2:
        await ec2.delete_vpc(VpcId=gone)

    found = await look(everything)

    (stray,) = found.strays
    assert stray.id == there
    assert "network/subnet/x" in stray.why
    assert stray.why.endswith("AWS says that it is of the type vpc")


async def test_a_record_that_cannot_be_read_is_not_lost(everything: Environment) -> None:
    """A newer version wrote it, and it lives: nothing of it is taken for an orphan's."""
    with keys_of(everything) as keys:
        keys.spoil(everything.id, format="2")
    with pytest.raises(StoreCorrupt):
        _ = everything.record

    found = await look(everything)

    assert found.lost == []
    assert found.strays
    assert all("format 2" in one.why for one in found.strays)


async def test_what_the_record_at_rest_does_not_name_is_told_of(
    everything: Environment, aws: LocalAws
) -> None:
    """A double of a run that is under way is the run's to remove; nobody sees to it after that."""
    double = await a_double(everything, aws)

    found = await look(everything)

    assert found.lost == []
    (unrecorded,) = found.unrecorded
    assert (unrecorded.environment_id, unrecorded.state) == (everything.id, State.READY)
    assert unrecorded.resources == {VPC: (double,)}

    await everything.rewind(Step.READY)
    assert (await look(everything)).unrecorded == []


async def a_double(env: Environment, aws: LocalAws) -> str:
    """A VPC under the tags of this record's VPC."""
    return await a_vpc(aws, tagged_as(env, VPC))


def tagged_as(env: Environment, key: str) -> dict[str, str]:
    return {TAG_RESOURCE: f"{env.id}/{key}", TAG_RECORD: f"{env.id}/{env.record.uid}"}


async def a_vpc(aws: LocalAws, tags: dict[str, str]) -> str:
    async with outsider(aws.url) as ec2:
        answer = await ec2.create_vpc(
            CidrBlock="10.99.0.0/16",
            TagSpecifications=[
                {
                    "ResourceType": "vpc",
                    "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
                }
            ],
        )
    return str(answer["Vpc"]["VpcId"])


async def test_all_pages_of_tags_are_read(everything: Environment, cloud: Cloud) -> None:
    """A resource's two tags may come on two pages."""
    in_one = await look(everything)
    pages = Pages()
    cloud.inject("DescribeTags", pages, times=ALWAYS)
    ec2: Any = await everything.worker.clients.door("ec2", REGION, None, Look(10))
    with keys_of(everything) as keys:
        keys.forget(everything.id)

    survey = await look_around(ec2, None, page_size=5)

    assert in_one.on_record == 1
    assert pages.given > 3
    (holding,) = survey.holdings
    assert survey.strays == ()
    assert sum(map(len, holding.resources.values())) == 10


class Pages:
    """AWS' pages, as many tags a page as are asked for: the emulator answers with all of them."""

    def __init__(self) -> None:
        self.given = 0

    async def __call__(self, call: Call, forward: Forward) -> Reply:
        first, size = int(call.parameters.get("NextToken", 0)), int(call.parameters["MaxResults"])
        reply = await forward()
        head, *items = reply.body.split("<item>")
        items[-1], tail = items[-1].split("</item>")[0] + "</item>", items[-1].split("</item>")[1]
        some = items[first : first + size]
        self.given += 1
        more = f"<nextToken>{first + size}</nextToken>" if first + size < len(items) else ""
        body = head + "".join(f"<item>{one}" for one in some) + tail
        end = "</DescribeTagsResponse>"
        return Reply(reply.status, body.replace(end, more + end), reply.content_type)


def test_an_external_id_is_in_no_message(client: Client) -> None:
    """It lies in Redis with the rest of the question, and not for long."""
    place = Place(region=REGION, account=Account(role_arn=ROLE, external_id=EXTERNAL_ID))
    with Recovery(client.settings) as recovery, RedisKeys(client.settings) as keys:
        with pytest.raises(SurveyFailed, match="No worker has answered") as failed:
            recovery.look(place, 0.3)
        assert "eu-west-1 of 210987654321" in str(failed.value)
        assert EXTERNAL_ID not in str(failed.value)
        (survey_id,) = keys.surveys()
        (message,) = keys.messages()
        assert survey_id in message
        assert EXTERNAL_ID not in message
        assert 0 < keys.lives_for(survey_id) <= 900
        store = RecoveryStore(client.settings)
        assert store.asked(survey_id) == place
        store.close()


def test_a_redis_that_is_full_is_told_as_that(own_redis: LocalRedis) -> None:
    """Also where the question is put into a transaction."""
    with Client(redis_url=own_redis.url) as client, Recovery(client.settings) as recovery:
        with own_redis.client() as database:
            database.config_set("maxmemory", 1)

        with pytest.raises(StoreUnavailable, match="is full and takes nothing more in"):
            recovery.look(HERE, 0.3)


def test_recover_does_not_deny_tags_that_it_cannot_read(capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing but strays was found, they are no nothing."""
    stray = Stray(id="vpc-1", why="no kind that is known")

    show_recovered([Findings(HERE, strays=[stray]), Findings(HERE)], [], as_json=False)

    some, none, *_ = capsys.readouterr().out.splitlines()
    assert some == f"{REGION}: no environment can be told."
    assert none == f"{REGION}: nothing carries envwright's tags."
