"""The WSGI application: moto's, one request at a time, and a test's own routes beside it."""

import json
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from io import BytesIO
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, parse_qsl

from moto.core.base_backend import BackendDict
from moto.ec2.models import ec2_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication

from tests.cloud.emulator import contents, surroundings
from tests.cloud.emulator.clock import Clock, catch_up_everywhere
from tests.cloud.routes import FORGET, INVENTORY, PROVIDE, ZONE
from tests.cloud.terms import HEADER, Terms, read

_TERMS = f"HTTP_{HEADER.upper().replace('-', '_')}"


class Application(DomainDispatcherApplication):
    """moto's threads do not guard its memory, and share one core: so one request at a time."""

    def __init__(self, create_app: Callable[[Any], Any]) -> None:
        super().__init__(create_app)
        self._one_at_a_time = Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        with self._one_at_a_time:
            catch_up_everywhere()
            if route := _ROUTES.get(path):
                asked = {k: v[0] for k, v in parse_qs(environ.get("QUERY_STRING", "")).items()}
                return _json(route(**asked), start_response)
            Clock.asked = _asked(environ)
            Clock.terms = read(environ[_TERMS]) if _TERMS in environ else Terms()
            answered: Iterable[bytes] = super().__call__(environ, start_response)
            return answered


def _asked(environ: dict[str, Any]) -> Mapping[str, str]:
    """What a form asks; it is left to be read again."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = BytesIO(body)
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))


def _inventory(account: str, region: str | None = None) -> list[dict[str, Any]]:
    return contents.of(account, region)


def _forget(account: str) -> None:
    for service in list(BackendDict._instances):
        service.pop(account, None)


def _zone(account: str, region: str, subnet: str) -> str | None:
    by_zone = ec2_backends[account][region].subnets
    return next((zone for zone, subnets in by_zone.items() if subnet in subnets), None)


_ROUTES: Mapping[str, Callable[..., Any]] = {
    INVENTORY: _inventory,
    FORGET: _forget,
    ZONE: _zone,
    PROVIDE: surroundings.provide,
}


def _json(answer: Any, start_response: Any) -> Iterable[bytes]:
    status = HTTPStatus.OK
    start_response(f"{status.value} {status.phrase}", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]
