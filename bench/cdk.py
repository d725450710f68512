"""`cdk deploy` of the same environment, against moto's CloudFormation.

moto makes the whole stack within one call, at once, and in no order, which is why the strict cloud
cannot stand behind it. So the time that CloudFormation itself takes is not in what is measured
here: only the toolchain's own time, processor, memory and size are.
"""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from bench import installed
from bench.cloud import CloudProcess
from bench.shapes import Shape
from bench.side_by_side import Memory, run
from bench.sides import Cdk, Job
from tests.cloud import Behaviour
from worker.processes import LOCALHOST, Child
from worker.servers import LocalAws, inherited_environment

SIDE: Final = Cdk()


class CloudFormation(LocalAws):
    """moto with all that its CloudFormation needs, from an environment of its own."""

    name = "The fake CloudFormation"

    def _run(self) -> Child:
        python = installed.environment("cdk") / "bin" / Path(sys.executable).name
        command = [str(python), "-m", "moto.server", "-H", LOCALHOST, "-p", str(self.port)]
        log = self.directory / "cloudformation.log"
        return Child(self.name, command, log, inherited_environment(), self.directory)


def deploy(call: float, shapes: Sequence[Shape]) -> list[dict[str, Any]]:
    """Deploy each shape once, where a call takes so many seconds; rows for the page."""
    with ExitStack() as running:
        directory = Path(running.enter_context(TemporaryDirectory(prefix="envwright-")))
        aws = CloudFormation(directory)
        aws.start()
        running.callback(aws.child.kill)
        cloud = running.enter_context(CloudProcess(aws.url, Behaviour(latency=call)))
        memory = running.enter_context(Memory())
        rows = []
        for number, shape in enumerate(shapes, start=1):
            job = Job(shape, number, cloud.url, "", directory, 1.0)
            log = job.file("log")
            cost = run(SIDE.command(job), SIDE.variables(job), log, memory)
            cost.must_be_done(SIDE.name)
            rows.append(
                {
                    "shape": shape.name,
                    "seconds": cost.seconds,
                    "calls": cloud.calls(job.account).total,
                    "CPU s": cost.cpu,
                    "peak MiB": cost.peak_mib,
                }
            )
        return rows
