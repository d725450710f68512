"""How the live display draws a record and its events."""

import pytest

from envwright.cli.timeline import Timeline
from envwright.names import Step
from envwright.new_run import compensation
from envwright.record import Record, ResourceState
from envwright.states import State
from tests.puppet import UNKNOWN_IMAGE
from tests.story import T0, at, drawn, event, painter, resource, step


def test_a_step_that_runs_shows_its_resources_and_their_times(record: Record) -> None:
    """One line a step, all times in one column, and under the running step what it works on."""
    record = at(
        record,
        State.PROVISIONING,
        Step.SECURITY,
        resources={
            "network/vpc/main": resource(ResourceState.CREATED, "vpc-1"),
            "security/key_pair/web": resource(ResourceState.INTENDED),
            "security/security_group/web": resource(ResourceState.CREATED, "sg-1"),
        },
    )
    timeline = Timeline()
    timeline.hear(
        record,
        [
            event(0, "accepted", "queued"),
            step(1, Step.NETWORK, "started"),
            step(7.2, Step.NETWORK, "finished", seconds=6.2),
            step(7.2, Step.SECURITY, "started"),
            event(7.2, "resource", "intended", resource="security/security_group/web"),
            event(7.5, "resource", "created", resource="security/security_group/web"),
            event(7.5, "resource", "intended", resource="security/key_pair/web"),
        ],
    )

    assert drawn(painter(9).in_full(record, timeline, 24)) == (
        "web.eu-west-1  provisioning                                    9 s\n"
        "\n"
        "  ✓ network     1 resource                                   6.2 s\n"
        "  * security    1 made                                         1 s\n"
        "      * key pair web                        intended           1 s\n"
        "      ✓ security group web                  created          0.3 s  sg-1\n"
        "  · instance\n"
        "  · ready"
    )


def test_a_failure_is_followed_by_its_cleanup(record: Record) -> None:
    """Both are seen: where building failed and why, and how all is taken down."""
    cleanup = compensation(T0 + 5).model_copy(update={"id": "second"})
    record = at(
        record,
        State.CLEANING,
        Step.SECURITY,
        run=cleanup,
        failure=UNKNOWN_IMAGE,
        resources={
            "network/vpc/main": resource(ResourceState.CREATED, "vpc-1"),
            "security/security_group/web": resource(ResourceState.DELETING, "sg-1"),
        },
    )
    timeline = Timeline()
    timeline.hear(
        record,
        [
            event(0, "accepted", "queued"),
            step(0, Step.NETWORK, "started"),
            step(1, Step.NETWORK, "finished"),
            step(1, Step.INSTANCE, "started"),
            event(5, "failure", step=Step.INSTANCE, message=UNKNOWN_IMAGE.message),
            event(5, "state", "failed"),
            event(5, "state", "cleaning", run="second"),
            step(6, Step.INSTANCE, "started", run="second"),
            step(8, Step.INSTANCE, "finished", run="second"),
            step(8, Step.SECURITY, "started", run="second"),
            event(8, "resource", "deleting", run="second", resource="security/security_group/web"),
        ],
    )

    assert drawn(painter(10).in_full(record, timeline, 24)) == (
        "web.eu-west-1  cleaning                                       10 s\n"
        "\n"
        "  ✓ network     1 resource                                   1.0 s\n"
        "  ✗ instance                                                 4.0 s\n"
        "      EC2 knows no image ami-0123456789abcdef0 in eu-west-1: check the id and …\n"
        "\n"
        "  taking it down\n"
        "  ✓ instance    nothing was there                            2.0 s\n"
        "  * security    0 of 1                                         2 s\n"
        "      * security group web                  deleting           2 s  sg-1\n"
        "  · network"
    )


def test_instances_are_waited_for_under_the_ready_step(record: Record) -> None:
    """They exist since the step before; whether they pass their checks is this one's matter."""
    key = "instance/instances/web"
    for state, line in (
        (ResourceState.CREATED, "      * instances web                       created"),
        (ResourceState.READY, "      ✓ instances web                       ready"),
    ):
        timeline = Timeline()
        waiting = at(
            record, State.PROVISIONING, Step.READY, resources={key: resource(state, "i-1")}
        )
        timeline.hear(
            waiting,
            [
                step(1, Step.INSTANCE, "started"),
                event(1, "resource", "intended", resource=key),
                event(2, "resource", "created", resource=key),
                step(2, Step.INSTANCE, "finished"),
                step(2, Step.READY, "started"),
            ],
        )
        assert line in drawn(painter(30).in_full(waiting, timeline, 24))


def test_a_step_that_waits_says_for_what(record: Record) -> None:
    """It runs on, and the sentence goes away with the trouble."""
    record = at(record, State.PROVISIONING, Step.NETWORK, trouble="AWS refused CreateVpc.")
    timeline = Timeline()
    retrying = step(2, Step.NETWORK, "retrying", message="AWS refused CreateVpc.")
    timeline.hear(record, [step(0, Step.NETWORK, "started"), retrying])
    over = record.model_copy(update={"trouble": None})

    for shown, is_told in ((record, True), (over, False)):
        lines = drawn(painter(3).in_full(shown, timeline, 24))
        assert "  * network" in lines
        assert ("      waiting: AWS refused CreateVpc." in lines) is is_told
        assert ("waiting: AWS" in drawn(painter(3).in_brief([(shown, timeline)], 24))) is is_told


def test_a_queue_that_nobody_reads_is_noticed(record: Record) -> None:
    timeline = Timeline()
    timeline.hear(record, [event(0, "accepted", "queued")])

    assert "is one running?" not in drawn(painter(5).in_full(record, timeline, 24))
    assert "is one running?" in drawn(painter(20).in_full(record, timeline, 24))


def test_a_small_window_shows_what_still_runs(record: Record) -> None:
    """Resources that are done make room, and are counted instead; steps are always shown."""
    resources = {
        f"network/subnet/s{number}": resource(ResourceState.CREATED) for number in range(9)
    }
    resources["network/subnet/slow"] = resource(ResourceState.INTENDED)
    record = at(record, State.PROVISIONING, Step.NETWORK, resources=resources)
    timeline = Timeline()
    timeline.hear(
        record,
        [
            step(0, Step.NETWORK, "started"),
            *(event(0, "resource", "intended", resource=key) for key in resources),
        ],
    )

    lines = painter(1).in_full(record, timeline, 12)

    assert len(lines) <= 12
    assert "* subnet slow" in drawn(lines)
    assert "and 6 more" in drawn(lines)
    assert "· ready" in drawn(lines)


@pytest.mark.parametrize("width", [40, 79, 119])
def test_no_line_is_wider_than_the_window(record: Record, width: int) -> None:
    """Otherwise the terminal would wrap it, and the display would leave traces of itself."""
    key = f"network/subnet/{'long-' * 20}name"
    record = at(
        record,
        State.PROVISIONING,
        Step.NETWORK,
        failure=UNKNOWN_IMAGE,
        resources={key: resource(ResourceState.CREATED, *(f"subnet-{n}" for n in range(9)))},
    )
    timeline = Timeline()
    timeline.hear(
        record,
        [
            step(0, Step.NETWORK, "started"),
            event(0, "resource", "created", resource=key),
        ],
    )
    lines = painter(1, width).in_full(record, timeline, 24)
    lines += painter(1, width).in_brief([(record, timeline)], 24)

    assert max(line.cell_len for line in lines) <= width


def test_ids_are_shown_where_there_is_room(record: Record) -> None:
    record = at(
        record,
        State.PROVISIONING,
        Step.NETWORK,
        resources={"network/vpc/main": resource(ResourceState.CREATED, "vpc-1")},
    )
    timeline = Timeline()
    timeline.hear(
        record,
        [
            step(0, Step.NETWORK, "started"),
            event(0, "resource", "created", resource="network/vpc/main"),
        ],
    )

    assert "vpc-1" in drawn(painter(1, 119).in_full(record, timeline, 24))
    assert "vpc-1" not in drawn(painter(1, 70).in_full(record, timeline, 24))


def test_several_environments_are_a_line_each(record: Record) -> None:
    """With what is worked on before what is at rest, where not all of them fit."""
    shown = []
    for number in range(10):
        state = State.READY if number < 8 else State.PROVISIONING
        one = at(record, state, Step.NETWORK, environment_id=f"web-{number}.eu-west-1")
        timeline = Timeline()
        timeline.hear(one, [])
        shown.append((one, timeline))

    every, few = (drawn(painter(3).in_brief(shown, height)) for height in (24, 8))

    assert every.count("web-") == 10
    assert every.endswith("2 provisioning · 8 ready")
    assert "* web-8.eu-west-1  provisioning   network           3 s" in few
    assert "and 5 more" in few
    assert len(few.splitlines()) <= 8
