"""A session of the SDK that has read what it needs to open clients at once."""

from typing import Final

from aiobotocore.session import AioSession

from tasks.aws.session import new_session

_SERVICES: Final = ("ec2", "ssm", "sts")
_READ_TO_OPEN_A_CLIENT: Final = ("service-2", "endpoint-rule-set-1")
"""What the SDK calls its files on a service."""

_REGION: Final = "us-east-1"
"""Whichever it is, the list of all regions is read."""


def loaded_session() -> AioSession:
    """A session with which a client opens in milliseconds; the first would take 150 of them.

    The SDK reads its models of the services, of which EC2's has megabytes, for the first client of
    each, and all steps would wait for that. So it is to be called before there are any; and on the
    loop's thread, since memory that another one has let go of serves this one little.
    """
    session = new_session()
    session.get_partition_for_region(_REGION)
    loader = session.get_component("data_loader")
    for service in _SERVICES:
        for file in _READ_TO_OPEN_A_CLIENT:
            loader.load_service_model(service, file)
    return session
