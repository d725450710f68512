"""moto's speed mended: what it works out anew for each request, though it never changes.

Measured with 40 VPCs in one region on one core, calls a second before and after: DescribeTags 113
and 388, DescribeVpcs 38 and 92, DescribeInternetGateways (there are none) 420 and 1,375.
"""

import random
from collections.abc import Callable
from functools import cache
from typing import Any

import moto.backends
import moto.moto_server.werkzeug_app
from moto.core import responses
from moto.core.common_models import BaseModel
from moto.core.utils import method_names_from_class
from moto.ec2.models.amis import AmiBackend
from moto.ec2.models.core import TaggedEC2Resource
from werkzeug.serving import BaseWSGIServer


def make_quick() -> None:
    # 180 stat() calls a request, to find which services there are.
    modules = frozenset(moto.backends.list_of_moto_modules())
    moto.backends.list_of_moto_modules = lambda: modules
    # A request id of 52 random letters, which nobody sees: the cloud gives each reply its own.
    responses.gen_amzn_requestid_long = _no_request_id
    # inspect.getmembers() of a class with a thousand methods.
    responses.method_names_from_class = cache(lambda one: frozenset(method_names_from_class(one)))
    # A scan of all tags for each object: quadratic.
    TaggedEC2Resource.get_tags = _tags_of
    # 1,291 images of Amazon's, in each account and region: 50 ms, for each test.
    AmiBackend._load_amis = _once_a_region(AmiBackend._load_amis)
    # Of a thousand that connect at the same moment all but 128 would wait a second, or be refused.
    BaseWSGIServer.request_queue_size = 4096
    # A list, for moto's dashboard, of all objects that there ever were: it only grows.
    BaseModel.__new__ = lambda cls, *_, **__: object.__new__(cls)


def _once_a_region(load: Callable[[Any], None]) -> Callable[[Any], None]:
    """Images and their snapshots never change: all accounts may have the same ones."""
    loaded: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}

    def load_or_share(backend: Any) -> None:
        if backend.region_name not in loaded:
            load(backend)
            loaded[backend.region_name] = dict(backend.amis), dict(backend.snapshots)
        images, snapshots = loaded[backend.region_name]
        backend.amis.update(images)
        backend.snapshots.update(snapshots)

    return load_or_share


def _no_request_id(headers: dict[str, Any]) -> str:
    headers["x-amzn-RequestId"] = request_id = f"{random.getrandbits(128):032x}"
    return request_id


def _tags_of(one: Any) -> list[dict[str, str]]:
    tags = one.ec2_backend.tags.get(one.id, {})
    return [{"key": key, "value": value} for key, value in tags.items()]
