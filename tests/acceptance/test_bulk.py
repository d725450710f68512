"""A bulk with the real command line and a real worker: paused, failing, retried, and taken down."""

import json
from pathlib import Path

from envwright.client import Client
from tests.acceptance.conftest import (
    COMMAND_TIMEOUT,
    CommandLine,
    Jam,
    all_that_exists,
    how_much_exists,
    put_image,
)
from tests.cloud import ALWAYS, Cloud
from tests.conftest import WorkerFactory
from tests.specs import spec_data, with_instances
from worker.processes import wait_until
from worker.servers import LocalAws

MISSING = "/custom/golden-image"
"""An SSM parameter that does not exist until the test puts it in place."""


def test_a_bulk_from_its_begin_to_its_end(
    envwright: CommandLine,
    worker: WorkerFactory,
    client: Client,
    cloud: Cloud,
    aws: LocalAws,
    tmp_path: Path,
) -> None:
    """Six environments, one at a time, of which the third fails: nothing more is let in while the
    bulk is paused, by a person or by itself; the retry builds what is missing and nothing twice."""
    jam = Jam()
    cloud.inject("CreateVpc", jam, times=ALWAYS)
    worker(ENVWRIGHT_RUNS_PER_ACCOUNT="1")
    labs = [spec_data(f"lab-{n}") for n in range(1, 7)]
    labs[2] = with_instances(MISSING, "lab-3")
    file, report = tmp_path / "labs.jsonl", tmp_path / "report.json"
    file.write_text("".join(f"{json.dumps(lab)}\n" for lab in labs))

    begun = envwright("bulk", str(file), "--name", "labs", "--max-failures", "0", "--no-wait")
    assert begun.code == 0, begun.err
    assert "is on record, with 6 environments: `envwright bulks watch" in begun.out
    jam.wait_until_reached()

    paused = envwright("bulks", "pause", "labs")
    assert "is paused, 5 in line and 1 under way: " in paused.out
    jam.clear()
    wait_until(lambda: client.status("lab-1").at_rest, COMMAND_TIMEOUT, "the first lab")
    assert envwright("bulks", "list", "--json").document["bulks"][0]["waiting"] == 5
    assert (
        "goes on, 1 of 6 at rest: 1 ready, 5 in line." in envwright("bulks", "resume", "labs").out
    )

    gave_up = envwright("bulks", "watch", "labs")
    assert gave_up.code == 1
    for part in (
        "\n✗ labs is paused: 2 of 6 are ready.\n",
        "\n  It paused by itself: ",
        "\n  ✗ 1 failed: spec (ParameterNotFound)\n    lab-3.eu-west-1\n",
        "\n  envwright bulks resume ",
        "A retry fails alike, unless what they name is there by now.\n",
    ):
        assert part in gave_up.out, gave_up.out

    put_image(aws, MISSING)
    retried = envwright("bulks", "retry", "labs", "--json")
    assert retried.code == 0, retried.out
    end = retried.documents[-1]
    assert (end["kind"], end["reached"], end["bulk"]["states"]) == ("report", True, {"ready": 6})
    assert [one["environment"] for one in end["members"]] == [
        f"lab-{n}.eu-west-1" for n in range(1, 7)
    ]
    assert how_much_exists(aws)["vpc"] == 6
    assert how_much_exists(aws)["instance"] == 2

    again = envwright("bulk", str(file), "--report", str(report))
    assert again.code == 0, again.err
    assert "with 0 environments and 6 there already." in again.out
    assert json.loads(report.read_text())["bulk"]["existing"] == 6

    gone = envwright("bulks", "down", "labs")
    assert gone.code == 0, gone.err
    assert "all 6 are taken down." in gone.out
    assert all_that_exists(aws) == {}
