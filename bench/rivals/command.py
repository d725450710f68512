"""The command line that the Python rivals share, and what they say at the end."""

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from bench.shapes import SHAPES


def arguments(about: str | None) -> argparse.ArgumentParser:
    """Those that all of them take."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--shape", choices=SHAPES, default="public")
    parser.add_argument("--count", type=int, default=1, help="how many environments")
    parser.add_argument("--prefix", default="web", help="what their names begin with")
    parser.add_argument("--poll-every", type=float, default=5.0, help="seconds between two looks")
    return parser


def names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}-{number}" for number in range(1, count + 1)]


@dataclass
class Tally:
    """How the environments ended."""

    ready: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    begun: float = field(default_factory=time.monotonic)

    def tell(self) -> None:
        """Print it, as one JSON document."""
        told = {
            "ready": self.ready,
            "failed": self.errors.total(),
            "errors": dict(self.errors),
            "seconds": time.monotonic() - self.begun,
        }
        sys.stdout.write(json.dumps(told) + "\n")
