"""What recovery needs of Redis: the questions to workers with their answers, and lost records."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from envwright.errors import EnvwrightError, SurveyFailed
from envwright.record import Event
from envwright.settings import ClientSettings
from envwright.store import EVENTS_KEPT, Store
from envwright.survey import Place, Survey

SURVEY_KEPT: Final = 900
"""Seconds for which a question, or its answer, lies in Redis."""

_TAKEN_UP: Final = "taken_up"

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

    def ask(self, survey_id: str, place: Place) -> None:
        """Leave the question for a worker."""
        self._put(survey_id, "place", place.model_dump_json())

    def asked(self, survey_id: str) -> Place | None:
        """The question; None when it is answered already, or nobody waits for it any more."""
        with self._answering():
            text = cast(str | None, self._redis.hget(self._keys.survey(survey_id), "place"))
        return None if text is None else Place.model_validate_json(text)

    def take_up(self, survey_id: str) -> None:
        """Say that a worker has begun to look."""
        key = self._keys.survey(survey_id)
        with self._answering():
            pipe = self._redis.pipeline()
            pipe.hset(key, _TAKEN_UP, "1")
            pipe.expire(key, SURVEY_KEPT)
            pipe.execute()

    def is_taken_up(self, survey_id: str) -> bool:
        """Whether a worker has begun to look."""
        with self._answering():
            return bool(self._redis.hexists(self._keys.survey(survey_id), _TAKEN_UP))

    def answer(self, survey_id: str, answer: Survey | EnvwrightError) -> None:
        """Put what was found, or why nothing could be, in the place of the question."""
        if isinstance(answer, Survey):
            self._put(survey_id, "found", answer.model_dump_json())
        else:
            self._put(survey_id, "failed", str(answer))

    def answered(self, survey_id: str) -> Survey | None:
        """What a worker found; None while none has answered. Raises `SurveyFailed`."""
        with self._answering():
            key = self._keys.survey(survey_id)
            found, failed = cast(list[str | None], self._redis.hmget(key, ["found", "failed"]))
        if failed is not None:
            raise SurveyFailed(failed)
        return None if found is None else Survey.model_validate_json(found)

    def _put(self, survey_id: str, field: str, text: str) -> None:
        key = self._keys.survey(survey_id)
        with self._answering():
            pipe = self._redis.pipeline()
            pipe.delete(key)
            pipe.hset(key, field, text)
            pipe.expire(key, SURVEY_KEPT)
            pipe.execute()
