"""The flow logs of a spec's network: records of its traffic, and where they go.

The limits are AWS's own, from the Amazon EC2 API Reference, CreateFlowLogs.
"""

from typing import Annotated, Literal

from pydantic import Field

from envwright.spec.fields import RoleArn
from envwright.spec.forms import Form
from envwright.spec.part import Part

BucketArn = Annotated[
    str,
    Form(
        r"arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/(?!AWSLogs(/|$))[!-~]{0,500})?",
        "the ARN of an S3 bucket, such as arn:aws:s3:::my-logs, with a folder if you like, such "
        "as arn:aws:s3:::my-logs/web/ (but none named AWSLogs, which AWS keeps for itself).",
    ),
]
LogGroupName = Annotated[
    str,
    Form(
        r"[A-Za-z0-9_./#-]{1,512}",
        "the name of a log group: it has 1 to 512 letters a-z and A-Z, digits and any of _./#- in "
        "it.",
    ),
]
LogFormat = Annotated[
    str,
    Form(
        r"\$\{[a-z0-9-]+\}( \$\{[a-z0-9-]+\})*",
        "a list of fields with one space between them, such as ${srcaddr} ${dstaddr} ${action}.",
    ),
]


class FlowLog(Part):
    """One record of the VPC's traffic, to a bucket or to a log group: the caller's own both."""

    bucket: BucketArn | None = Field(
        None, description="The ARN of the S3 bucket to write to, with a folder if you like."
    )
    log_group: LogGroupName | None = Field(
        None, description="The name of the CloudWatch Logs log group to write to."
    )
    role_arn: RoleArn | None = Field(
        None, description="The ARN of the role that AWS writes to the log group with."
    )
    traffic: Literal["accept", "reject", "all"] = Field(
        "all", description="Whether traffic that was let through is recorded, or refused, or both."
    )
    aggregation_interval: Literal[60, 600] = Field(
        600, description="How many seconds one entry covers at the most: 60 or 600."
    )
    format: LogFormat | None = Field(
        None, description="The fields of an entry, such as ${srcaddr} ${dstaddr} ${action}."
    )
