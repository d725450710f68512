"""The command line, `envwright`: a client like any other, made for people and for scripts."""

from envwright.cli.app import main

__all__ = ["main"]
