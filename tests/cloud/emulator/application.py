"""The WSGI application: moto's, one request at a time, and a test's own routes beside it."""

import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from threading import Lock
from typing import Any
from urllib.parse import parse_qs

from moto.core.base_backend import BackendDict
from moto.moto_server.werkzeug_app import DomainDispatcherApplication

from tests.cloud.emulator import contents

INVENTORY = "/cloud/inventory"
FORGET = "/cloud/forget"


class Application(DomainDispatcherApplication):
    """moto's threads do not guard its memory, and share one core: so one request at a time."""

    def __init__(self, create_app: Callable[[Any], Any]) -> None:
        super().__init__(create_app)
        self._one_at_a_time = Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        with self._one_at_a_time:
            if path in (INVENTORY, FORGET):
                asked = {k: v[0] for k, v in parse_qs(environ.get("QUERY_STRING", "")).items()}
                answer = _inventory(**asked) if path == INVENTORY else _forget(**asked)
                return _json(answer, start_response)
            answered: Iterable[bytes] = super().__call__(environ, start_response)
            return answered


def _inventory(account: str, region: str | None = None) -> list[dict[str, Any]]:
    return contents.of(account, region)


def _forget(account: str) -> None:
    """Drop all that one account has, in all services and regions."""
    for service in list(BackendDict._instances):
        service.pop(account, None)


def _json(answer: Any, start_response: Any) -> Iterable[bytes]:
    status = HTTPStatus.OK
    start_response(f"{status.value} {status.phrase}", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]
