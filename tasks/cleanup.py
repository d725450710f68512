"""Take an environment down: each step's resources in the reverse of their making."""

from celery import shared_task

from envwright.names import Step, cleanup_task
from tasks import instance, network, security, teardown
from tasks.context import Context


@shared_task(name=cleanup_task(Step.INSTANCE))
async def cleanup_instance(context: Context) -> None:
    await teardown.destroy(context, instance.KINDS)


@shared_task(name=cleanup_task(Step.SECURITY))
async def cleanup_security(context: Context) -> None:
    await teardown.destroy(context, security.KINDS)


@shared_task(name=cleanup_task(Step.NETWORK))
async def cleanup_network(context: Context) -> None:
    await teardown.destroy(context, network.KINDS)
