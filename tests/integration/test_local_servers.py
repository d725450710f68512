"""The servers of the embedded stack, one by one."""

import http.client
import socket
from pathlib import Path

import pytest
import redis

from worker.processes import LOCALHOST, ChildFailed, free_port
from worker.servers import LocalAws, LocalRedis


def test_redis_keeps_what_it_has(own_redis: LocalRedis) -> None:
    """It writes an append-only file, no snapshots, and refuses to write rather than to forget."""
    wanted = {"appendonly": "yes", "save": "", "maxmemory-policy": "noeviction"}

    with own_redis.client() as client:
        assert {name: client.config_get(name)[name] for name in wanted} == wanted


def test_redis_restarts_on_its_port_with_its_data(own_redis: LocalRedis) -> None:
    """After a restart another process answers at the same address, with the same data."""
    url, pid = own_redis.url, own_redis.child.pid
    with own_redis.client() as client:
        client.set("key", "value")

    own_redis.restart()

    assert own_redis.url == url
    assert own_redis.child.pid != pid
    with own_redis.client() as client:
        assert client.get("key") == "value"


def test_redis_that_was_killed_restarts_with_its_data(own_redis: LocalRedis) -> None:
    """A kill loses nothing that was answered: the append-only file has it."""
    with own_redis.client() as client:
        client.set("key", "value")

    own_redis.child.kill()
    own_redis.restart()

    with own_redis.client() as client:
        assert client.get("key") == "value"


def test_frozen_redis_answers_nothing_until_it_is_thawed(own_redis: LocalRedis) -> None:
    """A frozen Redis lets its clients run into their time-outs; thawed, it has its data."""
    with redis.Redis.from_url(
        own_redis.url, socket_timeout=0.3, retry=None, decode_responses=True
    ) as client:
        client.set("key", "value")

        own_redis.child.freeze()
        with pytest.raises(redis.TimeoutError):
            client.get("key")
        own_redis.child.thaw()

        assert client.get("key") == "value"


def test_a_busy_port_is_a_clear_error(tmp_path: Path) -> None:
    """A port that was asked for and is taken is named in the end of the log."""
    with socket.create_server((LOCALHOST, 0)) as holder:
        server = LocalRedis(tmp_path, port=holder.getsockname()[1])

        with pytest.raises(ChildFailed, match="Redis ended by itself") as told:
            server.start()

    assert "Address already in use" in str(told.value)


def test_a_free_port_that_is_lost_to_another_is_given_up_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between choosing a port and binding it another process may take it: then the next."""
    with socket.create_server((LOCALHOST, 0)) as holder:
        ports = iter([holder.getsockname()[1], free_port()])
        monkeypatch.setattr("worker.services.free_port", lambda: next(ports))
        server = LocalRedis(tmp_path)

        server.start()

        assert server.port != holder.getsockname()[1]
        server.stop()


def ec2(server: LocalAws, **parameters: str) -> tuple[int, str]:
    """One unsigned EC2 call, without an SDK."""
    body = "&".join(f"{name}={value}" for name, value in parameters.items())
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/eu-west-1/ec2/aws4_request",
    }
    connection = http.client.HTTPConnection(LOCALHOST, server.port, timeout=30)
    try:
        connection.request("POST", "/", body + "&Version=2016-11-15", headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_the_fake_aws_forgets_on_reset(aws: LocalAws) -> None:
    """What one test has made is not there for the next."""
    ec2(aws, Action="CreateVpc", CidrBlock="10.9.0.0/16")
    assert "10.9.0.0/16" in ec2(aws, Action="DescribeVpcs")[1]

    aws.reset()

    assert "10.9.0.0/16" not in ec2(aws, Action="DescribeVpcs")[1]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"ImageId": "ami-00000000000000000"}, "InvalidAMIID.NotFound"),
        ({"InstanceType": "t9.nano"}, "InvalidInstanceType"),
        ({"KeyName": "unknown"}, "InvalidKeyPair.NotFound"),
    ],
)
def test_the_fake_aws_refuses_what_aws_refuses(
    aws: LocalAws, wrong: dict[str, str], code: str
) -> None:
    """An unknown image, type or key pair is an error, as it is at AWS."""
    images = ec2(aws, Action="DescribeImages")[1]
    image = images.split("<imageId>")[1].split("</imageId>")[0]
    right = {"ImageId": image, "InstanceType": "t3.micro", "MinCount": "1", "MaxCount": "1"}
    assert ec2(aws, Action="RunInstances", **right)[0] == 200

    status, answer = ec2(aws, Action="RunInstances", **(right | wrong))

    assert (status, code in answer) == (400, True), answer
