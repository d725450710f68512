"""What recovery needs of Redis: to write records where there are none."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from envwright.record import Event
from envwright.settings import ClientSettings
from envwright.store import EVENTS_KEPT, Store

RECOVER: Final = """
local record, events, environments = unpack(KEYS)
local environment, fields, told, kept = unpack(ARGV)
if redis.call('EXISTS', record) == 1 then return 0 end
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
for field, value in pairs(cjson.decode(fields)) do redis.call('HSET', record, field, value) end
for _, event in ipairs(cjson.decode(told)) do
  redis.call('XADD', events, 'MAXLEN', '~', kept, '*', 'event', event)
end
redis.call('ZADD', environments, 'NX', now, environment)
return 1
"""


@dataclass(frozen=True, slots=True)
class RecoveredRecord:
    """A record to be written where there is none."""

    environment_id: str
    fields: Mapping[str, str]
    events: Sequence[Event]


class RecoveryStore(Store):
    """The store, with what recovery needs beside it."""

    def __init__(self, settings: ClientSettings) -> None:
        super().__init__(settings)
        self._recover = self._redis.register_script(RECOVER)

    def recover(self, record: RecoveredRecord) -> bool:
        """Write this record, and say whether it was: not, where the environment has one."""
        with self._answering():
            answer = self._recover(
                keys=[
                    self._keys.record(record.environment_id),
                    self._keys.events(record.environment_id),
                    self._keys.environments,
                ],
                args=[
                    record.environment_id,
                    json.dumps(dict(record.fields)),
                    json.dumps(
                        [one.model_dump_json(exclude_defaults=True) for one in record.events]
                    ),
                    EVENTS_KEPT,
                ],
            )
        return bool(answer)
