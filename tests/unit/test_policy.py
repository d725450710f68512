"""The worker's IAM policy permits what the door lets through, and reaches no further."""

import json
from collections.abc import Iterable
from itertools import chain
from typing import Any, Final

from envwright.names import TAG_ENVIRONMENT
from tasks.aws.actions import ACTIONS, Effect
from tests.repository import ROOT

POLICY: Final = json.loads((ROOT / "deploy" / "worker-policy.json").read_text())
STATEMENTS: Final[dict[str, Any]] = {one["Sid"]: one for one in POLICY["Statement"]}
SERVICES: Final = {
    "GetAWSDefaultServiceQuota": "servicequotas",
    "GetCallerIdentity": "sts",
    "GetParameter": "ssm",
    "GetServiceQuota": "servicequotas",
}
"""Of calls that are not EC2's: by what policies name their service."""
WITHOUT_A_CALL: Final = {
    "ec2:CreateTags",
    "iam:PassRole",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
}
"""What AWS asks for beside a call: for its tags, for a role in it, for the bucket of a flow log."""
UNTAGGED: Final = ("Route", "SecurityGroupEgress", "SecurityGroupIngress")
"""The ends of calls that also act on what comes with a VPC and has no tags."""


def permissions(*effects: Effect) -> set[str]:
    return {
        f"{SERVICES.get(action, 'ec2')}:{action}"
        for action, effect in ACTIONS.items()
        if effect in effects
    }


def actions(sids: Iterable[str]) -> list[str]:
    found = (STATEMENTS[sid]["Action"] for sid in sids)
    return [*chain.from_iterable([one] if isinstance(one, str) else one for one in found)]


def test_it_permits_each_call_once_and_no_other() -> None:
    """What the door does not let through, the worker has no use for."""
    assert sorted(actions(STATEMENTS)) == sorted(permissions(*Effect) | WITHOUT_A_CALL)
    assert {one["Effect"] for one in STATEMENTS.values()} == {"Allow"}


def test_it_may_look_at_and_make_anything() -> None:
    assert set(actions(["Look"])) == permissions(Effect.READ)
    assert set(actions(["Make"])) == permissions(Effect.CREATE, Effect.CREATE_BY_TOKEN)


def test_it_may_tag_only_what_it_makes() -> None:
    """Or it could make anything its own, and then delete it."""
    condition = STATEMENTS["TagWhatIsMade"]["Condition"]

    made = {f"ec2:{action}" for action in condition["StringEquals"]["ec2:CreateAction"]}
    assert made == permissions(Effect.CREATE, Effect.CREATE_BY_TOKEN)


def test_it_may_change_and_delete_only_what_has_our_tag() -> None:
    """But for routes and rules, which also stand where AWS gives no tags."""
    ours = STATEMENTS["ChangeAndDeleteWhatIsTaggedAsOurs"]
    assert ours["Condition"] == {"Null": {f"aws:ResourceTag/{TAG_ENVIRONMENT}": "false"}}

    changes = permissions(Effect.CHANGE, Effect.DELETE)
    assert set(actions(["ChangeWhatCameWithAVpcAndHasNoTag"])) == {
        one for one in changes if one.endswith(UNTAGGED)
    }
    assert set(ours["Action"]) == {one for one in changes if not one.endswith(UNTAGGED)}


def test_it_is_in_order() -> None:
    """So that a missing one is seen."""
    for one in STATEMENTS.values():
        if isinstance(one["Action"], list):
            assert one["Action"] == sorted(one["Action"])
