"""Find what AWS holds and no record names, put it on record, and take it down."""

from typing import Annotated

import typer

from envwright.cli import exits, inputs
from envwright.cli.options import NO_VALUE, Json, NoWait, RedisUrl, Yes, seconds

_REGION = "A region to look in, and can be repeated."

RoleArn = Annotated[
    str | None,
    typer.Option(metavar="ARN", help="Look in another account, by this role."),
]
ExternalId = Annotated[
    str | None,
    typer.Option(
        metavar="ID",
        envvar="ENVWRIGHT_EXTERNAL_ID",
        show_default=False,
        help="What the role's trust policy asks for; better kept in the variable.",
    ),
]
AnswerTimeout = Annotated[
    float,
    typer.Option(
        metavar="SECONDS", parser=seconds, help="How long a worker may take to look at a region."
    ),
]


def recover(
    context: typer.Context,
    region: Annotated[list[str], typer.Option(metavar="REGION", help=_REGION)],
    role_arn: RoleArn = None,
    external_id: ExternalId = None,
    timeout: AnswerTimeout = 60.0,
    as_json: Json = False,
    redis_url: RedisUrl = None,
) -> int:
    """Write the records that Redis lost anew, from the tags in AWS.

    What was wished for is lost: such an environment can be seen, and taken down.
    """
    from envwright.cli.findings import look_in, show_recovered
    from envwright.recovery import Recovery

    _refuse_what_has_no_role(context, role_arn)
    places = inputs.places(region, role_arn, external_id)
    with inputs.connect(redis_url) as client, Recovery(client.settings) as recovery:
        found = look_in(recovery, places, timeout)
        ids = [recovery.recover(lost) for one in found for lost in one.lost]
        records = [client.status(one) for one in ids if one is not None]
        show_recovered(found, records, as_json)
    return exits.OK


def orphans(
    context: typer.Context,
    region: Annotated[
        list[str] | None,
        typer.Option(metavar="REGION", help=f"{_REGION} Without it: wherever there are records."),
    ] = None,
    role_arn: RoleArn = None,
    external_id: ExternalId = None,
    delete: Annotated[
        bool,
        typer.Option(
            "--delete", metavar=NO_VALUE, help="Take down the environments without a record."
        ),
    ] = False,
    yes: Yes = False,
    no_wait: NoWait = False,
    timeout: AnswerTimeout = 60.0,
    as_json: Json = False,
    redis_url: RedisUrl = None,
) -> int:
    """List what has envwright's tags in AWS and no record.

    What does not tell whose it is, or belongs to a record, is listed too, and never deleted.
    """
    from envwright.cli.findings import look_in, really_delete, show_orphans
    from envwright.cli.requests import How, attempt, carry_out
    from envwright.cli.waiting import TAKEN_DOWN
    from envwright.recovery import Recovery

    _refuse_what_has_no_role(context, role_arn)
    with inputs.connect(redis_url) as client, Recovery(client.settings) as recovery:
        if region or role_arn:
            places = inputs.places(region or [], role_arn, external_id)
        else:
            places = inputs.places_on_record(client)
        found = look_in(recovery, places, timeout)
        show_orphans(found, as_json, lines=delete)
        doomed = [lost for one in found for lost in one.lost]
        if not delete or not doomed:
            return exits.OK
        if not yes and not really_delete(doomed):
            raise exits.Declined
        ids = [one for lost in doomed if (one := recovery.recover(lost)) is not None]
        answers = [attempt(client.destroy, one) for one in ids]
        return carry_out(client, answers, TAKEN_DOWN, How(not no_wait, None, as_json))


def _refuse_what_has_no_role(context: typer.Context, role_arn: str | None) -> None:
    """Raise `UsageError` for an external id that was typed, and would be used for nothing.

    One in the variable may be there for other commands.
    """
    source = context.get_parameter_source("external_id")
    if role_arn is None and source is not None and source.name == "COMMANDLINE":
        raise exits.UsageError(
            "--external-id goes with --role-arn: without a role, a worker looks in its own account."
        )
