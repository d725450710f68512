"""The worker's settings, read from `ENVWRIGHT_*`; docs/configuration.md lists them."""

import json
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)
from pydantic_settings import NoDecode

from envwright.settings import ClientSettings
from envwright.spec.fields import REGION
from envwright.spec.forms import Form

RUNS_PER_ACCOUNT: Final = 600
"""AWS takes two launches a second, and a run takes up to four minutes until its checks are passed:
with 480 under way, which is what a bulk may have of them, no launch is waited for."""


class AwsLimit(BaseModel):
    """One of AWS's request limits: a bucket of tokens, as AWS documents it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    capacity: float = Field(
        ge=1, allow_inf_nan=False, description="The tokens that it holds when it is full."
    )
    refill: float = Field(
        gt=0, allow_inf_nan=False, description="The tokens that it gets in each second."
    )


LimitedPlace = Annotated[
    str,
    Form(
        rf"(all|own|[0-9]{{12}})(/{REGION})?",
        "an account: write `all`, `own` or an account's id, and for one region `/` and its name "
        "behind that, as in 123456789012/eu-west-1.",
    ),
]
"""Whose request limits: of `all` accounts, the worker's `own`, or one by its id; everywhere, or in
one region, as in `123456789012/eu-west-1`."""


class WorkerSettings(ClientSettings):
    """All that a worker can be told. Times are seconds."""

    concurrency: int = Field(
        default=1000, ge=1, le=5000, description="Steps that one worker process runs at once."
    )
    runs_per_account: int = Field(
        default=RUNS_PER_ACCOUNT,
        ge=1,
        le=100_000,
        description="Runs that build at once in one account and region, over all workers; others "
        "wait in line. Those of low priority leave two tenths of it free, normal ones one. "
        "Cleanups and changes are not counted.",
    )
    lease: float = Field(
        default=15.0,
        ge=10,
        le=300,
        description="How long a worker may act on an environment before it must renew; after a "
        "worker's death, another takes over within about this time.",
    )
    lease_margin: float = Field(
        default=5.0,
        ge=1,
        description="No call that changes anything is begun this close to the lease's end.",
    )
    sweep_every: float = Field(
        default=1.0, gt=0, le=60, description="How often the sweeper looks for what is due."
    )
    wake_grace: float = Field(
        default=10.0,
        ge=1,
        description="How long a message that was sent may take to reach a worker before another "
        "is sent; it doubles with each, while the queue is not empty.",
    )
    aws_endpoint_url: str | None = Field(
        default=None, description="Where AWS is, if not at AWS: the address of an emulator."
    )
    aws_connect_timeout: float = Field(
        default=5.0, gt=0, description="How long connecting to AWS may take."
    )
    aws_read_timeout: float = Field(
        default=20.0, gt=0, description="How long AWS may take to answer one call."
    )
    aws_connections: int | None = Field(
        default=None,
        ge=1,
        description="Connections that one client (account and region) may open; if not set, as "
        "many as steps run at once.",
    )
    aws_rate_share: float = Field(
        default=0.98,
        gt=0,
        allow_inf_nan=False,
        json_schema_extra={"unit": "a factor"},
        description="How much of the rate at which AWS lets calls be made is used.",
    )
    aws_burst_share: float = Field(
        default=0.8,
        gt=0,
        allow_inf_nan=False,
        json_schema_extra={"unit": "a factor"},
        description="How many of the calls that AWS takes at once are made at once, but for what "
        "it refills in a second.",
    )
    aws_limits: Annotated[dict[LimitedPlace, dict[str, AwsLimit]], NoDecode] = Field(
        default={},
        json_schema_extra={"unit": "JSON"},
        description="AWS's request limits where accounts have others: by account and region, and "
        "there by the names of their buckets.",
    )
    poll_every: float = Field(
        default=5.0,
        gt=0,
        description="How often the state of something that takes its time is asked for.",
    )
    settle_time: float = Field(
        default=15.0,
        ge=0,
        description="How long AWS may take to show what an unanswered create has made.",
    )
    consistency_timeout: float = Field(
        default=300.0, gt=0, description="How long a new id may stay unknown to AWS's other calls."
    )
    conflict_timeout: float = Field(
        default=900.0,
        gt=0,
        description="How long to wait for something that is in use, or in a state that does not "
        "permit the call.",
    )
    cleanup_retry_first: float = Field(
        default=60.0,
        ge=1,
        description="How long a cleanup that failed rests before it is tried again by itself; "
        "the pause doubles with each failure.",
    )
    cleanup_retry_longest: float = Field(
        default=3600.0, ge=1, description="The longest pause between two tries of a cleanup."
    )
    instance_timeout: float = Field(
        default=900.0,
        gt=0,
        description="How long instances may take to run and to pass their status checks.",
    )
    endpoint_timeout: float = Field(
        default=600.0, gt=0, description="How long a VPC endpoint may take to become available."
    )
    nat_gateway_timeout: float = Field(
        default=600.0, gt=0, description="How long a NAT gateway may take to become available."
    )
    log_format: Literal["json", "console"] = Field(default="json", description="How logs look.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least level that is logged."
    )

    @property
    def connections_a_client(self) -> int:
        """How many calls one client can have under way."""
        return self.aws_connections or self.concurrency

    @field_validator("aws_limits", mode="before")
    @classmethod
    def _is_json(cls, given: Any) -> Any:
        try:
            return json.loads(given) if isinstance(given, str) else given
        except ValueError as error:
            raise ValueError(f"it is not JSON: {error}") from None

    @model_validator(mode="after")
    def _times_fit(self) -> "WorkerSettings":
        if self.lease_margin > self.lease / 2:
            raise ValueError("lease_margin must be at most half of lease, or nothing gets done")
        if self.aws_connect_timeout > self.lease_margin:
            raise ValueError(
                "aws_connect_timeout must be at most lease_margin: a call connects after its last "
                "look at the lease, and must not be sent when another worker has it"
            )
        if self.redis_timeout > self.lease / 3:
            raise ValueError("redis_timeout must be at most a third of lease, or it runs out")
        if self.cleanup_retry_first > self.cleanup_retry_longest:
            raise ValueError("cleanup_retry_first must be at most cleanup_retry_longest")
        return self
