"""A Celery app with boto3 in prefork processes: one chain of four tasks for each environment.

    celery -A bench.rivals.celery_prefork worker --pool prefork --concurrency 8
    python -m bench.rivals.celery_prefork --shape public --count 100

`CELERY_BROKER_URL` names a Redis for both, and `CELERY_QUEUE` a queue, where several share one. As
in most such apps, a task that waits for AWS retries itself later, so that it does not keep its
process; a task that creates is never repeated, since that would make things twice, and leaves it
to the SDK to repeat what AWS has throttled.
"""

import json
import os
import time
from typing import Any, Final

import redis
from botocore.exceptions import ClientError
from celery import Celery, Task, chain

from bench.rivals import boto3_steps as steps
from bench.rivals.command import Tally, arguments, names
from bench.shapes import SHAPES

BROKER: Final = os.environ.get("CELERY_BROKER_URL", "redis://127.0.0.1:6379/0")
_LOOKS: Final = 1000
"""How often a task looks before it gives up waiting."""

# Run as a command, this module is called otherwise than the worker calls it.
app = Celery("bench.rivals.celery_prefork", broker=BROKER)
app.conf.update(
    task_default_queue=os.environ.get("CELERY_QUEUE", "celery"),
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
)


class Step(Task):  # type: ignore[type-arg]
    """Tells whoever waits for the bulk when its environment has failed."""

    def on_failure(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        known = isinstance(exc, ClientError)
        _report(kwargs["bulk"], exc.response["Error"]["Code"] if known else type(exc).__name__)


@app.task(base=Step)
def network(*, name: str, shape: str, **_: Any) -> steps.Made:
    ec2 = steps.ec2_client()
    return steps.security(ec2, name, steps.network(ec2, name, SHAPES[shape]))


@app.task(base=Step, bind=True, max_retries=_LOOKS)
def routes(self: Any, made: steps.Made, *, name: str, shape: str, **told: Any) -> steps.Made:
    """Wait for the NAT gateway, if there is one, and lead the private subnets to it."""
    if SHAPES[shape].private:
        ec2 = steps.ec2_client()
        found = ec2.describe_nat_gateways(NatGatewayIds=[made["nat_gateway"]])
        if found["NatGateways"][0]["State"] == "pending":
            raise self.retry(countdown=told["poll_every"])
        steps.private_routes(ec2, name, made)
    return made


@app.task(base=Step)
def instances(made: steps.Made, *, name: str, shape: str, **_: Any) -> steps.Made:
    return steps.instances(steps.ec2_client(), name, SHAPES[shape], made)


@app.task(base=Step, bind=True, max_retries=_LOOKS)
def ready(self: Any, made: steps.Made, *, bulk: str, poll_every: float, **_: Any) -> None:
    """Wait until the instances have passed their status checks."""
    ids = made["instances"]
    found = steps.ec2_client().describe_instance_status(InstanceIds=ids)["InstanceStatuses"]
    if sum(one["InstanceStatus"]["Status"] == "ok" for one in found) < len(ids):
        raise self.retry(countdown=poll_every)
    _report(bulk, None)


def _report(bulk: str, error: str | None) -> None:
    with redis.Redis.from_url(BROKER) as client:
        client.rpush(bulk, json.dumps(error))


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--at-most", type=int, default=3600, help="seconds until it gives up")
    told = parser.parse_args()
    bulk, tally = f"bulk-{told.prefix}", Tally()
    deadline = time.monotonic() + told.at_most
    for name in names(told.prefix, told.count):
        facts = {"name": name, "shape": told.shape, "bulk": bulk, "poll_every": told.poll_every}
        chain(*(step.s(**facts) for step in (network, routes, instances, ready))).delay()
    # redis-py gives up on an answer after five seconds, if it is not told otherwise.
    with redis.Redis.from_url(BROKER, socket_timeout=None) as client:
        for left in range(told.count, 0, -1):
            reported = client.blpop([bulk], timeout=max(1.0, deadline - time.monotonic()))
            if reported is None:
                tally.errors["unfinished"] = left
                break
            if error := json.loads(reported[1]):
                tally.errors[error] += 1
            else:
                tally.ready += 1
    tally.tell()


if __name__ == "__main__":
    main()
