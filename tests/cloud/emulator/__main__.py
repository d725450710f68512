"""Serve it, with moto's own command line."""

from moto import server

from tests.cloud.emulator.application import Application
from tests.cloud.emulator.backend import take_the_place_of_motos
from tests.cloud.emulator.speed import make_quick

make_quick()
take_the_place_of_motos()
server.DomainDispatcherApplication = Application
server.main()
