"""Flow logs: what they need to be there, and what was not done of a call for several."""

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.responses.flow_logs import FlowLogs as Responses

from tests.cloud.emulator.errors import refused


class FlowLogs:
    """What `StrictBackend` does with them. They outlive what they are of."""

    def create_flow_logs(
        self: Any, resource_type: str, resource_ids: list[str], *asked: Any, **more: Any
    ) -> Any:
        for one in resource_ids:
            there_are = sum(log.resource_id == one for log in self.flow_logs.values())
            self.refuse_beyond("flow_logs_per_resource", there_are)
        return super().create_flow_logs(  # type: ignore[misc]
            resource_type, resource_ids, *asked, **more
        )

    def describe_flow_logs(
        self: Any, flow_log_ids: list[str] | None = None, filters: Any = None
    ) -> Any:
        for one in flow_log_ids or []:
            if one not in self.flow_logs:
                raise refused("InvalidFlowLogId.NotFound", f"The flow log ID {one} does not exist")
        return super().describe_flow_logs(flow_log_ids, filters)  # type: ignore[misc]


def _delete_flow_logs(response: Any) -> ActionResult:
    """Told item by item, as in "DeleteFlowLogs": moto refuses all of the call."""
    asked, backend = response._get_param("FlowLogIds", []), response.ec2_backend
    known = [one for one in asked if one in backend.flow_logs]
    backend.delete_flow_logs(known)
    unknown = [
        {
            "ResourceId": one,
            "Error": {
                "Code": "InvalidFlowLogId.NotFound",
                "Message": f"The flow log ID {one} does not exist",
            },
        }
        for one in asked
        if one not in known
    ]
    return ActionResult({"Unsuccessful": unknown})


def take_the_place_of_motos() -> None:
    Responses.delete_flow_logs = _delete_flow_logs
