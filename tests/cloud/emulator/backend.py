"""moto's EC2, with what it lacks put over it, subject by subject."""

from types import ModuleType

import moto.ec2.urls
from moto.ec2.models import EC2Backend, ec2_backends

from tests.cloud.emulator.tags import Tags


class StrictBackend(Tags, EC2Backend):
    """One account's EC2 in one region."""

    @property
    def _url_module(self) -> ModuleType:
        """moto looks for it beside the class."""
        return moto.ec2.urls

    @classmethod
    def take_the_place_of_motos(cls) -> None:
        ec2_backends.backend = cls
