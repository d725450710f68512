"""The fake AWS as a process: moto's server, mended where it cannot take environments up and down.

    python -m worker.fake_aws -H 127.0.0.1 -p 5000

What it mends is what moto 5.2.5 lacks of AWS and the tasks rely on, and no more: it stays an AWS
that nearly always says yes. The command line is that of `moto.server`.
"""

import os
from http import HTTPStatus
from typing import Any

import moto.ec2.urls
import moto.servicequotas.urls
from moto import server
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.ec2.exceptions import DryRunClientError
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.responses import EC2Response
from moto.servicequotas.responses import ServiceQuotasResponse


class MendedEc2(EC2Backend):
    """One account's EC2 in one region."""

    __module__ = EC2Backend.__module__
    """By it moto finds the service that a backend is of, and its addresses."""

    def create_vpc_endpoint(self, *asked: Any, **more: Any) -> Any:
        """moto takes a filter's value from what is named so, and answers 500 where nothing is."""
        endpoint: Any = super().create_vpc_endpoint(*asked, **more)
        endpoint.vpc_endpoint_id = endpoint.id
        return endpoint

    def delete_nat_gateway(self, nat_gateway_id: str) -> Any:
        """Its network interface ends with it: moto keeps it."""
        gateway: Any = super().delete_nat_gateway(nat_gateway_id)
        self.enis.pop(gateway._eni.id, None)
        return gateway

    def delete_subnet(self, subnet_id: str) -> Any:
        """Its associations end with it: moto keeps them, and then refuses to delete the others."""
        subnet = super().delete_subnet(subnet_id)
        holders: tuple[Any, ...] = (*self.route_tables.values(), *self.network_acls.values())
        for holder in holders:
            for association, held in list(holder._associations.items()):
                if getattr(held, "subnet_id", held) == subnet_id:
                    del holder._associations[association]
        return subnet

    def delete_vpc(self, vpc_id: str) -> Any:
        """Its DHCP options stay: moto deletes them with it, and later does not find them."""
        kept: Any = self.vpcs[vpc_id].dhcp_options if vpc_id in self.vpcs else None
        vpc = super().delete_vpc(vpc_id)
        if kept is not None:
            self.dhcp_options_sets[kept.id] = kept
        return vpc


class Ec2Answers(EC2Response):
    """EC2 on the wire."""

    def call_action(self) -> tuple[int, dict[str, Any], str | bytes]:
        """Do nothing in a dry run: moto does what many calls ask for all the same."""
        if not self._get_param("DryRun"):
            return super().call_action()
        _, headers, body = self.serialized(ActionResult(DryRunClientError()))
        return HTTPStatus.PRECONDITION_FAILED, headers, body

    def create_dhcp_options(self) -> ActionResult:
        """With their tags, by which they are found again: moto does not read them here."""
        answer = super().create_dhcp_options()
        made: Any = answer.result
        named = self._parse_tag_specification("dhcp-options")
        made["DhcpOptions"].add_tags(named.get("dhcp-options", {}))
        return answer


class QuotaAnswers(ServiceQuotasResponse):
    """Service Quotas on the wire."""

    def get_aws_default_service_quota(self) -> str:
        """moto lacks the call, and answers 500, which an SDK tries again for seconds.

        Those defaults that it has, it tells as the account's own.
        """
        raise JsonRESTError("NoSuchResourceException", "The fake AWS does not know this quota.")


def mend() -> None:
    """Let the moto of this process be the mended one, and end at once when it is to end."""
    ec2_backends.backend = MendedEc2
    moto.ec2.urls.url_paths = {"{0}/": Ec2Answers.dispatch}
    moto.servicequotas.urls.url_paths = {"{0}/$": QuotaAnswers.dispatch}
    # moto's handler raises, which is lost where it happens to interrupt a __del__.
    server.signal_handler = lambda *_: os._exit(0)


if __name__ == "__main__":
    mend()
    server.main()
