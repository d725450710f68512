"""What of AWS no record names, and what of it is told to a person alone."""

from typing import Any

import pytest

from envwright.cli.findings import show_recovered
from envwright.client import Client
from envwright.errors import NotAnswered, StoreCorrupt, StoreUnavailable
from envwright.names import TAG_RECORD, TAG_RESOURCE, Step
from envwright.question_store import Asked, QuestionStore
from envwright.recovery import Findings, Recovery
from envwright.spec import Account
from envwright.states import State
from envwright.survey import Place, Stray
from tasks.lease import Look
from tasks.network import VPC
from tasks.survey import look_around
from tests.cloud import ALWAYS, Behaviour, Cloud, Durations, Pages
from tests.everything import REGION
from tests.harness import Environment, outsider
from tests.surveys import (
    EXTERNAL_ID,
    HERE,
    ROLE,
    RedisKeys,
    a_double,
    a_vpc,
    keys_of,
    look,
    tagged_as,
)
from worker.servers import LocalAws, LocalRedis


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


async def test_all_pages_of_tags_are_read(everything: Environment, cloud: Cloud) -> None:
    """A resource's two tags may come on two pages."""
    ec2: Any = await everything.worker.clients.door("ec2", REGION, None, Look(10))
    in_one = await look_around(ec2, None)
    pages = Pages()
    cloud.inject("DescribeTags", pages, times=ALWAYS)

    in_many = await look_around(ec2, None, page_size=5)

    assert pages.given > 3
    assert [one.environment_id for one in in_one.holdings] == [everything.id]
    assert in_many == in_one


def test_an_external_id_is_in_no_message(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lies in Redis with the rest of the question, for as long as somebody waits."""
    place = Place(region=REGION, account=Account(role_arn=ROLE, external_id=EXTERNAL_ID))
    lying: list[Asked | None] = []
    with Recovery(client.settings) as recovery, RedisKeys(client.settings) as keys:

        def none_yet(store: QuestionStore, question_id: str) -> None:
            assert 0 < keys.lives_for(question_id) <= 900
            lying.append(store.asked(question_id))

        monkeypatch.setattr(QuestionStore, "answered", none_yet)
        with pytest.raises(NotAnswered, match="No worker has answered") as failed:
            recovery.look(place, 0.3)

        assert "eu-west-1 of 210987654321" in str(failed.value)
        assert EXTERNAL_ID not in str(failed.value)
        assert lying[0] == Asked("survey", place.model_dump_json(), patience=0.3)
        assert keys.left() == []
        (message,) = keys.messages()
        assert EXTERNAL_ID not in message


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
