"""Take an environment down: each step's resources in the reverse of their making."""

from typing import Final

from celery import shared_task

from envwright.names import Step, cleanup_task
from tasks import instance, kinds, network, security, teardown
from tasks.context import Context

INSTANCES: Final = tuple(kind for group in instance.KINDS for kind in group if kind.goes_slowly)
OTHERS: Final = tuple(
    kind for group in kinds.KINDS for kind in group if kind.goes_slowly and kind not in INSTANCES
)


@shared_task(name=cleanup_task(Step.INSTANCE))
async def cleanup_instance(context: Context) -> None:
    await teardown.destroy(context, instance.KINDS, begin_with=(INSTANCES, OTHERS))


@shared_task(name=cleanup_task(Step.SECURITY))
async def cleanup_security(context: Context) -> None:
    await teardown.destroy(context, security.KINDS)


@shared_task(name=cleanup_task(Step.NETWORK))
async def cleanup_network(context: Context) -> None:
    await teardown.destroy(context, network.KINDS)
