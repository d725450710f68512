"""What a caller must know to reach envwright: read from `ENVWRIGHT_*`, or given by name."""

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from envwright.names import DEFAULT_KEY_PREFIX, DEFAULT_QUEUE, Keys


class ClientSettings(BaseSettings):
    """The part of the configuration that producers, operators and workers share."""

    model_config = SettingsConfigDict(
        env_prefix="ENVWRIGHT_",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,  # a URL may hold a password
    )

    redis_url: str = Field(
        default="redis://127.0.0.1:6379/0",
        repr=False,
        description="Redis: the records and the queue. `rediss://` for TLS; user and password "
        "go into the URL.",
    )
    key_prefix: str = Field(
        default=DEFAULT_KEY_PREFIX,
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        description="What every envwright key in Redis begins with; two installations on one "
        "Redis need two prefixes and two queues.",
    )
    queue: str = Field(
        default=DEFAULT_QUEUE,
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        description="The Celery queue that the workers read.",
    )
    redis_timeout: float = Field(
        default=3.0,
        gt=0,
        le=60,
        description="Seconds that one request to Redis may take before it counts as unreachable.",
    )
    redis_replicas: int = Field(
        default=0,
        ge=0,
        le=10,
        description="How many replicas of Redis must have a request before it counts as accepted, "
        "so that a failover does not lose it.",
    )

    @field_validator("redis_url")
    @classmethod
    def _is_of_redis(cls, url: str) -> str:
        if not url.startswith(("redis://", "rediss://")):
            raise ValueError("The address of Redis begins with redis:// or rediss://")
        return url

    @property
    def keys(self) -> Keys:
        return Keys(self.key_prefix)
