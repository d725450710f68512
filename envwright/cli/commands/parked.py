"""Show what was set aside, since no worker could read it."""

import sys

from envwright.cli import exits, inputs
from envwright.cli.options import Json, RedisUrl


def parked(as_json: Json = False, redis_url: RedisUrl = None) -> int:
    """Show what no worker could read: messages that were set aside, and records.

    Of a message, all but its body is shown.
    """
    from envwright.cli import tables
    from envwright.cli.output import console, plain, print_json

    with inputs.connect(redis_url) as client:
        found, now = client.parked(), client.now()
    if as_json:
        records = [{"environment": name, "why": why} for name, why in found.records.items()]
        print_json("parked", messages=[plain(one) for one in found.messages], records=records)
    elif not found.messages and not found.records:
        sys.stderr.write("Nothing is parked: workers could read every message and every record.\n")
    else:
        console().print(tables.parked(found, now))
    return exits.OK
