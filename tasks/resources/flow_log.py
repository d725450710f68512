"""A flow log: AWS's record of a VPC's traffic, in a bucket or a log group of the caller's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from tasks.aws.errors import AwsError, ErrorClass
from tasks.aws.listing import Listing
from tasks.context import Context
from tasks.resources.base import Tagged, all_ids

if TYPE_CHECKING:
    from types_aiobotocore_ec2.literals import TrafficTypeType

_TRAFFIC: "Final[Mapping[str, TrafficTypeType]]" = {
    "accept": "ACCEPT",
    "reject": "REJECT",
    "all": "ALL",
}


@dataclass(frozen=True, kw_only=True)
class FlowLog(Tagged):
    """AWS removes those of a deleted VPC "eventually" (EC2 API: DeleteVpc): it goes before."""

    kind: ClassVar[str] = "flow_log"
    aws_type: ClassVar[str] = "vpc-flow-log"
    listing: ClassVar[Listing] = Listing(
        operation="describe_flow_logs",
        items="FlowLogs",
        id_field="FlowLogId",
        id_filter="flow-log-id",
        filters="Filter",
    )
    by_token: ClassVar[bool] = True
    deleted_together: ClassVar[bool] = True

    vpc: str
    traffic: Literal["accept", "reject", "all"]
    interval: int
    bucket: str | None = None
    log_group: str | None = None
    role_arn: str | None = None
    format: str | None = None

    async def create(self, context: Context, count: int) -> list[str]:
        answer = await context.ec2.create_flow_logs(
            ClientToken=context.token(self.key),
            ResourceType="VPC",
            ResourceIds=[context.id_of(self.vpc)],
            TrafficType=_TRAFFIC[self.traffic],
            MaxAggregationInterval=self.interval,
            TagSpecifications=self.tags(context),
            **self._destination_and_format(),
        )
        return [*answer["FlowLogIds"]]

    def _destination_and_format(self) -> Any:
        asked = {"LogFormat": self.format} if self.format else {}
        if self.bucket is not None:
            return {"LogDestinationType": "s3", "LogDestination": self.bucket, **asked}
        return {
            "LogDestinationType": "cloud-watch-logs",
            "LogGroupName": self.log_group,
            "DeliverLogsPermissionArn": self.role_arn,
            **asked,
        }

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        ids = all_ids(doomed)
        try:
            await context.ec2.delete_flow_logs(FlowLogIds=ids)
        except AwsError as error:
            if error.error_class is not ErrorClass.NOT_FOUND:
                raise
            # One unknown id may have kept AWS from deleting the others.
            if left := await cls.existing(context.ec2, ids):
                await context.ec2.delete_flow_logs(FlowLogIds=left)
