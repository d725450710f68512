"""Ask AWS which calls the worker may make, by `DryRun`, which changes nothing.

A call is asked for as the rehearsal makes it, since policies may look at what it says: at a
region, an instance type, a tag. The ids in it are made up. AWS answers `DryRunOperation` to what it
would permit, and `UnauthorizedOperation` to what it would not (Amazon EC2 API Reference,
"Error codes for the Amazon EC2 API").
"""

import asyncio
from typing import Any, Final

from envwright.plan import Permission, Verdict
from tasks.aws.errors import AwsError, ErrorClass, Halted
from tasks.aws.rehearsal import Rehearsal, Rehearsed

_PERMITTED: Final = "DryRunOperation"
_ENCODED: Final = " Encoded authorization failure message"


async def permissions(ec2: Any, rehearsal: Rehearsal) -> list[Permission]:
    """For each call that the worker may have to make to EC2, whether it is allowed to.

    A call that is not answered before the door's look ends is unclear, and spoils no other answer.
    What the rehearsal had no use for is asked for too: a cleanup or a retry may need it.
    """
    calls = {action: rehearsal.example_of(action) for action in rehearsal.actions()}
    calls |= {one.action: one for one in reversed(rehearsal.changes)}
    return [
        *await asyncio.gather(
            *(
                _permission(ec2, call)
                if rehearsal.takes_dry_run(action)
                else _not_to_be_asked(action)
                for action, call in sorted(calls.items())
            )
        )
    ]


async def _not_to_be_asked(action: str) -> Permission:
    why = "AWS cannot be asked for it in advance."
    return Permission(action=f"ec2:{action}", verdict=Verdict.UNCLEAR, why=why)


async def _permission(ec2: Any, call: Rehearsed) -> Permission:
    name = f"ec2:{call.action}"
    try:
        await getattr(ec2, call.operation)(**call.parameters, DryRun=True)
    except AwsError as error:
        if error.code == _PERMITTED:
            return Permission(action=name, verdict=Verdict.ALLOWED)
        is_denied = error.error_class is ErrorClass.PERMISSION
        verdict = Verdict.DENIED if is_denied else Verdict.UNCLEAR
        told = error.aws_message.split(_ENCODED)[0]
        return Permission(action=name, verdict=verdict, why=f"{error.code}: {told}")
    except Halted:
        why = "AWS did not answer in time."
        return Permission(action=name, verdict=Verdict.UNCLEAR, why=why)
    why = "AWS answered it as if it had not been a dry run."
    return Permission(action=name, verdict=Verdict.UNCLEAR, why=why)
