"""AWS's request limits as the worker knows them: held against those that the strict cloud has."""

from collections.abc import Mapping
from typing import Any

import botocore.session
import pytest
from pydantic import ValidationError

from config.settings import AwsLimit, WorkerSettings
from envwright.errors import EnvwrightError
from tasks.aws.actions import ACTIONS
from tasks.aws.limits import LIMITS, OF_ALL, SLACK, Limits, toll
from tests.cloud.buckets import OF_INSTANCES, Size, size_of
from tests.cloud.calls import Call

EC2 = set(botocore.session.get_session().get_service_model("ec2").operation_names)
PARAMETERS: dict[str, Any] = {
    "RunInstances": {"MaxCount": 3},
    "StartInstances": {"InstanceIds": ["i-1", "i-2", "i-3"]},
    "TerminateInstances": {"InstanceIds": ["i-1", "i-2", "i-3"]},
}
UNBOUNDED = sorted(bucket.removesuffix(OF_ALL) for bucket in LIMITS if bucket.endswith(OF_ALL))


def as_aws_has_it(action: str, wire: dict[str, str]) -> Size:
    return size_of(Call(action, "ec2", "eu-west-1", "1", wire))


def as_we_have_it(bucket: str) -> Size:
    return Size(LIMITS[bucket].capacity, LIMITS[bucket].refill)


@pytest.mark.parametrize("action", sorted(EC2 & ACTIONS.keys()))
def test_each_call_takes_from_the_bucket_that_aws_takes_it_from(action: str) -> None:
    """Whatever the door lets through to EC2, a filtered read among them, and of instances too."""
    wanted = toll(action, PARAMETERS.get(action, {"Filters": []}))

    assert as_we_have_it(wanted.buckets[0]) == as_aws_has_it(action, {"Filter.1.Name": "tag"})
    assert [as_we_have_it(one) for one in wanted.buckets[1:]] == [
        size for name, size in OF_INSTANCES.items() if name == action
    ]
    assert wanted.units == (3 if action in OF_INSTANCES else 0)


@pytest.mark.parametrize("action", UNBOUNDED)
def test_a_read_of_everything_is_dearer(action: str) -> None:
    """It has a bucket beside that of the same read with a filter, ids or a page."""
    (bucket,) = toll(action, {"IncludeAllInstances": True}).buckets

    assert as_we_have_it(bucket) == as_aws_has_it(action, {"IncludeAllInstances": "true"})
    assert [toll(action, {bound: ["x"]}).buckets for bound in ("Filters", "InstanceIds")] == [
        (action,),
        (action,),
    ]


def test_a_dry_run_takes_what_the_call_takes() -> None:
    """AWS counts it as any other."""
    assert toll("RunInstances", {"MaxCount": 2, "DryRun": True}) == toll(
        "RunInstances", {"MaxCount": 2}
    )


ID = "123456789012"


def limits_with(**settings: Any) -> Mapping[str, AwsLimit]:
    """Those of the worker's own account."""
    return Limits(WorkerSettings(**settings)).of("own", "eu-west-1")


def test_a_worker_keeps_to_its_shares() -> None:
    """Of AWS's figures, and of those that the account has instead: of the burst what is not
    refilled within a second, and never less than one call."""
    raised = {"all": {"RunInstances": AwsLimit(capacity=50, refill=10)}}
    limits = limits_with(aws_rate_share=0.5, aws_burst_share=0.2, aws_limits=raised)

    assert limits["CreateSubnet"] == AwsLimit(capacity=5, refill=2.5)
    assert limits["RunInstances"] == AwsLimit(capacity=1, refill=5)
    assert limits_with()["RunInstances"] == AwsLimit(capacity=2, refill=1.96)
    assert limits["CreateVpcEndpoint"] == AwsLimit(capacity=1, refill=0.15)


@pytest.mark.parametrize(
    ("account", "region", "refill"),
    [
        ("own", "us-east-1", 10),
        ("own", "eu-west-1", 20),
        ("210987654321", "eu-west-1", 20),
        (ID, "us-east-1", 30),
        (ID, "eu-west-1", 40),
    ],
)
def test_limits_hold_for_the_account_and_region_they_are_said_of(
    account: str, region: str, refill: float
) -> None:
    """AWS raises them so; what is said of fewer stands before what is said of more, whatever the
    order, and what is not said is as AWS documents it."""
    given = {
        f"{ID}/eu-west-1": {"RunInstances": {"capacity": 50, "refill": 40}},
        ID: {"RunInstances": {"capacity": 50, "refill": 30}},
        "all/eu-west-1": {"RunInstances": {"capacity": 50, "refill": 20}},
        "all": {"RunInstances": {"capacity": 50, "refill": 10}},
    }
    limits = Limits(WorkerSettings.model_validate({"aws_rate_share": 1, "aws_limits": given}))

    assert limits.of(account, region)["RunInstances"].refill == refill
    assert limits.of(account, region)["CreateVpc"].refill == 5


def test_calls_that_come_to_aws_together_are_not_too_many() -> None:
    """Sent at the worker's pace, and up to a second late each: whatever comes in a span of time was
    sent in one that is a second longer, and AWS has as many tokens for it."""
    limits = limits_with()

    for name, aws in LIMITS.items():
        ours = limits[name]
        for span in (0.0, 1.0, 3600.0):
            most = ours.capacity + ours.refill * (span + SLACK)
            assert most <= aws.capacity + aws.refill * span or ours.capacity == 1, name


def test_a_limit_of_nothing_is_refused() -> None:
    """Its path is told, and what names there are."""
    given = {"own/eu-west-1": {"RunInstance": AwsLimit(capacity=5, refill=2)}}

    with pytest.raises(EnvwrightError, match=r"own/eu-west-1\.RunInstance: .* RunInstances/instan"):
        Limits(WorkerSettings(aws_limits=given))


@pytest.mark.parametrize("place", ["RunInstances", "12345", "own/", "/eu-west-1", "own/eu-west1"])
def test_limits_of_no_account_are_refused(place: str) -> None:
    """Nor those of no region: they would hold nowhere."""
    with pytest.raises(ValidationError, match=rf"aws_limits\.{place}\.\[key\]"):
        WorkerSettings(aws_limits={place: {}})


@pytest.mark.parametrize(
    "limit", [{"capacity": 0, "refill": 1}, {"capacity": 5, "refill": 0}, {"capacity": 5}]
)
def test_a_limit_that_lets_nothing_through_is_refused(limit: dict[str, float]) -> None:
    """Or that is not whole."""
    with pytest.raises(ValidationError, match=r"aws_limits\.own\.RunInstances"):
        WorkerSettings.model_validate({"aws_limits": {"own": {"RunInstances": limit}}})


@pytest.mark.parametrize("text", ["{", "RunInstances=50", "[]"])
def test_limits_that_are_no_json_are_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """As every setting that cannot work: by its name."""
    monkeypatch.setenv("ENVWRIGHT_AWS_LIMITS", text)

    with pytest.raises(ValidationError, match=r"aws_limits\n  (Value error, it is not JSON|Input)"):
        WorkerSettings()


def test_limits_are_read_from_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """As every setting, from the environment."""
    text = '{"own": {"RunInstances": {"capacity": 50, "refill": 10}}}'
    monkeypatch.setenv("ENVWRIGHT_AWS_LIMITS", text)

    raised = AwsLimit(capacity=50, refill=10)
    assert WorkerSettings().aws_limits == {"own": {"RunInstances": raised}}
