"""A worker played by hand: it writes into Redis what a worker would, at the moment that we say."""

import json
import time
from collections.abc import Mapping

from redis import Redis

from envwright.failure import Failure, FailureCategory
from envwright.names import CLEANUP_STEPS, DEFAULT_KEY_PREFIX, Keys, Step
from envwright.new_run import compensation
from envwright.outputs import Instance, Outputs
from envwright.record import RESOURCE_FIELD, Event, ResourceRecord, ResourceState, Run
from envwright.states import State

WEB_RESOURCES: Mapping[str, tuple[str, ...]] = {
    "network/vpc/main": ("vpc-0a1b2c3d4e5f60718",),
    "network/internet_gateway/main": ("igw-0a1b2c3d4e5f60718",),
    "network/internet_gateway_attachment/main": ("igw-0a1b2c3d4e5f60718",),
    "network/subnet/public-eu-west-1a": ("subnet-0a1b2c3d4e5f60718",),
    "network/subnet/public-eu-west-1b": ("subnet-0b1b2c3d4e5f60718",),
    "security/security_group/web": ("sg-0a1b2c3d4e5f60718",),
    "security/security_group_rules/web": ("sgr-0a1b2c3d4e5f60718",),
    "instance/instances/web-eu-west-1a": ("i-0a1b2c3d4e5f60718",),
    "instance/instances/web-eu-west-1b": ("i-0b1b2c3d4e5f60718",),
}

WEB_OUTPUTS = Outputs(
    vpc_id="vpc-0a1b2c3d4e5f60718",
    subnets={"public-eu-west-1a": "subnet-0a1b2c3d4e5f60718"},
    security_groups={"web": "sg-0a1b2c3d4e5f60718"},
    instances=tuple(
        Instance(
            id=f"i-0{letter}1b2c3d4e5f60718",
            group="web",
            type="t3.micro",
            image="ami-0a1b2c3d4e5f60718",
            zone=f"eu-west-1{letter}",
            subnet_id=f"subnet-0{letter}1b2c3d4e5f60718",
            private_ip=f"10.20.{number}.12",
            private_dns=f"ip-10-20-{number}-12.eu-west-1.compute.internal",
            public_ip=f"54.77.{number}.201",
            public_dns=None,
        )
        for number, letter in enumerate("ab")
    ),
)

UNKNOWN_IMAGE = Failure(
    category=FailureCategory.SPEC,
    message="EC2 knows no image ami-0123456789abcdef0 in eu-west-1: check the id and the region.",
    step=Step.INSTANCE,
    resource="instance/instances/web-eu-west-1a",
    action="RunInstances",
    code="InvalidAMIID.NotFound",
    request_id="59dbff89-35bd-4eac-99ed-be587example",
)


class Puppet:
    """Writes the record and the events of one environment, whose run was accepted already."""

    def __init__(self, redis_url: str, environment_id: str, prefix: str = DEFAULT_KEY_PREFIX):
        self._redis = Redis.from_url(redis_url, decode_responses=True)
        self._id = environment_id
        self._keys = Keys(prefix)
        self._step: Step | None = None

    def close(self) -> None:
        self._redis.close()

    @property
    def run(self) -> Run:
        return Run.model_validate_json(str(self._redis.hget(self._record, "run")))

    def tell(self, fields: Mapping[str, str], *events: Event) -> None:
        """One atomic write, as each of a worker's is."""
        pipe = self._redis.pipeline()
        pipe.hset(self._record, mapping={**fields, "updated_at": f"{time.time():.3f}"})
        for event in events:
            told = event.model_copy(update={"run": event.run or self.run.id})
            text = told.model_dump_json(exclude_defaults=True)
            pipe.xadd(self._keys.events(self._id), {"event": text})
        pipe.execute()

    def start(self, step: Step) -> None:
        self._step = step
        if self._redis.hget(self._record, "state") == State.QUEUED:
            self.move(State.PROVISIONING)
        started = Event(type="step", run="", step=step, state="started")
        self.tell({"step": step, "attempt": "1"}, started)

    def put(self, key: str, state: ResourceState) -> None:
        gone = state is ResourceState.GONE
        ids = () if gone or state is ResourceState.INTENDED else WEB_RESOURCES.get(key, ("x-1",))
        resource = ResourceRecord(state=state, ids=ids, at=time.time())
        event = Event(type="resource", run="", step=self._step, resource=key, state=state, ids=ids)
        self.tell({f"{RESOURCE_FIELD}{key}": resource.model_dump_json()}, event)

    def end(self, step: Step, state: str = "finished") -> None:
        seconds = 1.5 if state == "finished" else None
        event = Event(type="step", run="", step=step, state=state, seconds=seconds)
        self.tell({"attempt": "0"}, event)

    def move(self, state: State, **fields: str) -> None:
        event = Event(type="state", run="", step=self._step, state=state)
        self.tell({"state": state, **fields}, event)

    def ready(self) -> None:
        self.move(State.READY, outputs=WEB_OUTPUTS.model_dump_json())

    def fail(self, failure: Failure = UNKNOWN_IMAGE) -> None:
        """End the run with a failure; a cleanup run takes its place."""
        told = Event(
            type="failure",
            run="",
            step=failure.step,
            resource=failure.resource,
            message=failure.message,
        )
        self.tell({"failure": failure.model_dump_json()}, told)
        failed_run = self.run.id
        cleanup = compensation(time.time())
        self.tell(
            {
                "state": State.CLEANING,
                "step": CLEANUP_STEPS[0],
                "run": cleanup.model_dump_json(),
                "run_id": cleanup.id,
                "attempt": "0",
            },
            Event(type="state", run=failed_run, state=State.FAILED),
            Event(type="state", run=cleanup.id, state=State.CLEANING),
        )

    def fail_to_clean(self, failure: Failure) -> None:
        """End a cleanup run with a failure."""
        told = Event(type="failure", run="", step=failure.step, message=failure.message)
        fields = {"cleanup_failure": failure.model_dump_json()}
        self.tell({"state": State.CLEANUP_FAILED, **fields}, told)

    def build(self, *, until: Step | None = None) -> None:
        """Make all resources, step after step, up to and without the step `until`."""
        for step in Step:
            if step is until:
                return
            self.start(step)
            keys = [key for key in WEB_RESOURCES if key.startswith(f"{step}/")]
            for state in (ResourceState.INTENDED, ResourceState.CREATED):
                for key in keys:
                    self.put(key, state)
            self.end(step)

    def take_down(self) -> None:
        """Carry a cleanup run out to its end."""
        for step in CLEANUP_STEPS:
            self.start(step)
            keys = [key for key in self._standing() if key.startswith(f"{step}/")]
            for state in (ResourceState.DELETING, ResourceState.GONE):
                for key in reversed(keys):
                    self.put(key, state)
            self.end(step)
        self.move(self.run.goal)

    def _standing(self) -> list[str]:
        fields = self._redis.hgetall(self._record)
        return [
            key.removeprefix(RESOURCE_FIELD)
            for key, text in fields.items()
            if key.startswith(RESOURCE_FIELD) and json.loads(text)["state"] != ResourceState.GONE
        ]

    @property
    def _record(self) -> str:
        return self._keys.record(self._id)
