"""A bulk that is watched: what is told on the way, what ends the waiting, and the report."""

import json
from pathlib import Path

import pytest

from envwright.bulk import Bulk
from envwright.cli.app import run
from envwright.errors import StoreUnavailable
from envwright.priority import Priority
from envwright.states import State
from envwright.testing import InMemoryClient
from tests.bulks import NO_CAPACITY, NO_QUOTA, Lines, finish, interrupt, the_bulk, worker
from tests.documents import documents
from tests.specs import spec_data


def test_a_bulk_that_comes_to_a_good_end(
    client: InMemoryClient, lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is on record as one thing, with its name and priority, and ends when all are ready."""
    ended = worker(client, {"aa": None, "bb": None})

    assert run(["bulk", lines("aa", "bb"), "--name", "labs", "--priority", "high"]) == 0
    ended.join()

    bulk = the_bulk(client)
    assert (bulk.name, bulk.priority, bulk.total) == ("labs", Priority.HIGH, 2)
    assert [one.run.bulk for one in client.environments()] == [bulk.id] * 2
    told = capsys.readouterr().out
    assert f"The bulk labs ({bulk.id}) is on record, with 2 environments.\n" in told
    assert "\n✓ labs is done, in " in told
    assert ": all 2 are ready.\n" in told
    assert f"envwright bulks down {bulk.id}" in told
    assert "retry" not in told


def test_the_report_groups_what_failed_and_says_what_to_do(
    client: InMemoryClient, lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    """Failures of one sort are one thing to mend; what is refused or there already is told too."""
    client.enqueue(spec_data("old"))
    client.enqueue(spec_data("other", tags={"a": "b"}))
    names = {"aa": None, **{f"b{n}": NO_QUOTA for n in range(5)}, "cc": NO_CAPACITY}
    ended = worker(client, names)

    assert run(["bulk", lines("old", "other", *names)]) == 1
    ended.join()

    bulk = the_bulk(client)
    told = capsys.readouterr().out
    for part in (
        "with 7 environments, 1 there already and 1 refused.",
        "  failed: quota (VpcLimitExceeded), such as b0.eu-west-1: The quota of VPCs is used up",
        f"\n✗ {bulk.id} is done, in ",
        ": 1 of 7 are ready.\n\n",
        "\n  1 environment was there already, with the same spec: no members of this bulk. "
        "`envwright list` shows how it stands.\n",
        "\n  1 spec was refused: no members of this bulk.\n    other.eu-west-1 exists already",
        "\n  ✗ 5 failed: quota (VpcLimitExceeded)\n",
        "\n    b0.eu-west-1, b1.eu-west-1, b2.eu-west-1 and 2 more\n",
        "\n    The quota of VPCs is used up: have it raised.\n",
        "\n    Have the quota raised in Service Quotas, or free some; then retry.\n",
        "\n  ✗ 1 failed: capacity (InsufficientInstanceCapacity)\n",
        f"\n  envwright bulks retry {bulk.id}  go on with those that failed, once that is mended\n",
    ):
        assert part in told, told


def test_the_report_is_data_with_json_and_in_a_file(
    client: InMemoryClient, lines: Lines, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One document with each member, its state and why it failed; the same one in both places."""
    client.enqueue(spec_data("other", tags={"a": "b"}))
    ended = worker(client, {"aa": None, "bb": NO_QUOTA})
    file = tmp_path / "report.json"

    assert run(["bulk", lines("aa", "bb", "other"), "--json", "--report", str(file)]) == 1
    ended.join()

    printed = documents(capsys)
    assert printed[0]["kind"] == "accepted"
    assert {one["kind"] for one in printed[1:-1]} == {"progress"}
    report = printed[-1]
    assert json.loads(file.read_text()) == report
    assert (report["kind"], report["version"], report["reached"]) == ("report", 1, False)
    assert report["bulk"]["states"] == {"ready": 1, "failed": 1}
    (sort,) = report["failures"]
    assert (sort["category"], sort["code"], sort["count"]) == ("quota", "VpcLimitExceeded", 1)
    assert [one["environment"] for one in report["refused"]] == ["other.eu-west-1"]
    a, b = report["members"]
    assert a == {"environment": "aa.eu-west-1", "state": "ready", "failure": None}
    assert (b["state"], b["failure"]["message"]) == ("failed", NO_QUOTA.message)


def test_ctrl_c_leaves_it_running_and_says_how_to_go_on(
    client: InMemoryClient,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("envwright.cli.bulks.watch.time.sleep", interrupt)

    assert run(["bulk", lines("aa"), "--name", "labs"]) == 130

    bulk = the_bulk(client)
    told = capsys.readouterr().err
    assert f"Stopped watching the bulk labs ({bulk.id}); it goes on." in told
    assert f"`envwright bulks watch {bulk.id}` shows it again" in told
    assert client.status("aa").state is State.QUEUED


def test_a_moment_without_redis_is_ridden_out(
    client: InMemoryClient,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Who watches is told, and sees the end all the same."""
    run(["bulk", lines("aa"), "--no-wait", "--id", "labs"])
    finish(client, {"aa": None})
    answer, outages = client.bulk, iter([False, True])

    def away_once(bulk_id: str) -> Bulk:
        if next(outages, False):
            raise StoreUnavailable("Redis does not answer.")
        return answer(bulk_id)

    monkeypatch.setattr(client, "bulk", away_once)

    assert run(["bulks", "watch", "labs"]) == 0

    printed = capsys.readouterr()
    assert "waiting a few seconds for it" in printed.err
    assert "Redis answers again." in printed.err
    assert "1 of 1 is ready" in printed.out


def test_waiting_ends_at_the_timeout(
    client: InMemoryClient, lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["bulk", lines("aa"), "--timeout", "0.05"]) == 1
    assert "is still running, 0 of 1 at rest, after 0.05 s" in capsys.readouterr().err


def test_a_bulk_that_paused_by_itself_ends_the_waiting(
    client: InMemoryClient,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A person must decide: a script that waits for it is told, and not kept for ever."""
    run(["bulk", lines("aa", "bb"), "--no-wait", "--max-failures", "0", "--name", "labs"])
    finish(client, {"aa": NO_QUOTA})
    bulk = the_bulk(client)
    why = "1 of its members has failed, and 0 may."
    client._bulks._change(bulk.id, paused_at=client.now(), paused_because=why)  # type: ignore[attr-defined]
    capsys.readouterr()

    assert run(["bulks", "watch", "labs"]) == 1

    told = capsys.readouterr().out
    assert "✗ labs is paused: 0 of 2 are ready" in told
    assert f"It paused by itself: {why}" in told
    assert f"envwright bulks resume {bulk.id}" in told
