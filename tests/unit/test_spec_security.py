"""What security groups and key pairs are refused for, and what is fine as it is."""

import base64
from typing import Any

import pytest

from envwright.errors import SpecError
from envwright.spec import parse_spec
from tests.spec_data import faults_of, valid, with_value

PRIVATE = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----"

ED25519 = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(range(32))


def rsa(bits: int) -> bytes:
    modulus = b"\0" + b"\xff" * (bits // 8)
    return b"\0\0\0\x07ssh-rsa\0\0\0\x03\x01\0\x01" + len(modulus).to_bytes(4) + modulus


def line(kind: str, material: bytes) -> str:
    return f"{kind} {base64.b64encode(material).decode()} me@home"


RULES = [
    ({"port": 443, "cidrs": ["10.0.0.0/8"]}, ".port", "did you mean `ports`?"),
    ({"cidrs": ["10.0.0.0/8"]}, ".ports", "A rule for tcp needs ports"),
    ({"protocol": "icmp", "ports": 1, "self": True}, ".ports", "has no ports in a rule"),
    ({"protocol": "tpc", "ports": 1, "self": True}, ".protocol", "`tcp`, `udp`, `icmp`"),
    ({"ports": [80, "x"], "self": True}, ".ports[1]", "This is not a port"),
    ({"ports": [], "self": True}, ".ports", "needs 1 entry or more"),
    ({"ports": "90-80", "self": True}, ".ports", "runs backwards: write 80-90"),
    ({"ports": True, "self": True}, ".ports", "This is not a port"),
    ({"ports": 443}, "", "names no peer"),
    ({"ports": 443, "groups": ["db"]}, ".groups[0]", "`db` is not a security group of this spec"),
    ({"ports": 443, "prefix_lists": ["pl-x"]}, ".prefix_lists[0]", "id of a prefix list"),
    ({"ports": 443, "cidrs": ["10.0.0.1"]}, ".cidrs[0]", "/32 means this one address"),
    ({"ports": 443, "cidrs": "10.0.0.0/8"}, ".cidrs", "put it in square brackets"),
    ({"ports": 443, "self": True, "description": "a & b"}, ".description", "AWS takes"),
    ({"ports": 443, "self": True, "groups": ["web"]}, ".self", "AWS refuses a rule that"),
    ({"ports": 443, "cidrs": ["::/0", "0::/0"]}, ".cidrs[1]", "AWS refuses a rule that"),
    ({"protocol": "icmp", "cidrs": ["::/0"]}, ".cidrs[0]", "put it into a rule for `icmpv6`"),
    (
        {"protocol": "icmpv6", "cidrs": ["2001:db8::/32", "10.0.0.0/8"]},
        ".cidrs[1]",
        "10.0.0.0/8 is an IPv4 block, over which `icmpv6` never runs",
    ),
    ("everything", "", "must be a mapping of fields, and it is text"),
]


@pytest.mark.parametrize(("rule", "path", "words"), RULES)
def test_one_mistake_in_a_rule_is_one_fault(rule: Any, path: str, words: str):
    """A rule's fault names the group, the direction, the entry and the field."""
    data = with_value("security.groups.web.ingress", [rule])

    ((at, sentence),) = faults_of(data)

    assert at == f"security.groups.web.ingress[0]{path}"
    assert words in sentence


def test_every_block_over_which_icmp_never_runs_is_told():
    """What goes out is looked at too: AWS would take the rule, and it would do nothing."""
    rule = {"protocol": "icmp", "cidrs": ["::/0", "10.0.0.0/8", "2001:db8::/32"]}

    faults = faults_of(with_value("security.groups.web.egress", [rule]))

    assert [path for path, _ in faults] == [
        "security.groups.web.egress[0].cidrs[0]",
        "security.groups.web.egress[0].cidrs[2]",
    ]


def test_a_rule_that_repeats_another_is_refused():
    """AWS refuses the second one, in each direction by itself."""
    rules = [
        {"ports": [80, 443], "cidrs": ["10.0.0.0/8"]},
        {"ports": "443-443", "cidrs": ["192.168.0.0/16", "10.0.0.0/8"]},
    ]
    group = {"ingress": rules, "egress": rules[:1]}

    ((path, sentence),) = faults_of(with_value("security.groups.web", group))

    assert path == "security.groups.web.ingress[1].cidrs[1]"
    assert sentence.startswith("Entry 0 of this list has the same")


OPEN_RULES = [
    ({"ports": 22}, "port 22"),
    ({"ports": "3000-4000"}, "port 3389"),
    ({"ports": "1-1024"}, "port 22"),
    ({"ports": "22-22"}, "port 22"),
    ({"ports": "0-22"}, "port 22"),
    ({"ports": [80, "443-8000"]}, "port 3389"),
    ({"ports": "3389-3390", "protocol": "udp"}, "port 3389"),
    ({"ports": "1-65535"}, "port 22"),
    ({"ports": "0-65535"}, "all ports"),
    ({"ports": "all"}, "all ports"),
    ({"ports": "all", "protocol": "udp"}, "all ports"),
    ({"protocol": "all"}, "every protocol and port"),
]


@pytest.mark.parametrize(("rule", "opened"), OPEN_RULES)
@pytest.mark.parametrize(
    ("anywhere", "counted"),
    [
        ("0.0.0.0/0", "an IPv4 block larger than /8"),
        ("0.0.0.0/1", "an IPv4 block larger than /8"),
        ("128.0.0.0/1", "an IPv4 block larger than /8"),
        ("12.0.0.0/7", "an IPv4 block larger than /8"),
        ("::/0", "an IPv6 block larger than /16"),
        ("2000::/3", "an IPv6 block larger than /16"),
        ("2000::/15", "an IPv6 block larger than /16"),
    ],
)
def test_opening_the_house_must_be_said_in_so_many_words(
    rule: dict[str, Any], opened: str, anywhere: str, counted: str
):
    """Remote access, all ports or all protocols from anywhere need their own consent."""
    ingress = [{**rule, "cidrs": ["10.0.0.0/8", anywhere]}]
    data = with_value("security.groups.web.ingress", ingress)

    ((path, sentence),) = faults_of(data)

    assert path == "security.groups.web.ingress[0].cidrs[1]"
    assert sentence.startswith(f"This opens {opened} to the whole internet, as which {counted}")
    ingress[0]["allow_from_anywhere"] = True
    assert parse_spec(data).security.groups["web"].ingress[0].allow_from_anywhere


@pytest.mark.parametrize(
    "group",
    [
        {"ingress": [{"ports": [80, 443, "8000-9000"], "cidrs": ["0.0.0.0/0"]}]},
        {"ingress": [{"ports": ["0-21", "23-3388", "3390-65535"], "cidrs": ["0.0.0.0/0"]}]},
        {"ingress": [{"ports": 22, "cidrs": ["10.0.0.0/8", "2001::/16"]}]},
        {"egress": [{"protocol": "all", "cidrs": ["0.0.0.0/0", "::/0"]}]},
        {"ingress": [{"protocol": "icmp", "cidrs": ["0.0.0.0/0"]}]},
        {"ingress": [{"protocol": "icmpv6", "cidrs": ["::/0"]}]},
        {"ingress": [{"protocol": "icmpv6", "self": True}]},
    ],
)
def test_what_harms_nobody_needs_no_consent(group: dict[str, Any]):
    """The web's ports, known peers, pings and everything that goes out are fine as they are."""
    assert parse_spec(with_value("security.groups.web", group)).security.groups["web"]


def test_two_groups_may_refer_to_each_other():
    """References are between names, so their order does not matter."""
    data = valid()
    data["security"]["groups"] = {
        "web": {"ingress": [{"ports": 443, "groups": ["db"]}]},
        "db": {"ingress": [{"ports": 5432, "groups": ["web"]}]},
    }

    assert set(parse_spec(data).security.groups) == {"web", "db"}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (line("ssh-ed25519", ED25519), "ssh-ed25519"),
        (line("ssh-rsa", rsa(2048)) + "\n", "ssh-rsa"),
        (line("ssh-rsa", rsa(4096)), "ssh-rsa"),
    ],
)
def test_a_public_key_is_kept_without_its_comment(key: str, expected: str):
    """The comment names a person and a machine, and makes no difference to EC2."""
    key_pair = parse_spec(with_value("security.key_pair", {"public_key": key})).security.key_pair

    assert key_pair is not None
    assert key_pair.public_key == " ".join(key.split()[:2])
    assert key_pair.public_key.startswith(expected)


BAD_KEYS = {
    "private": (PRIVATE, "This is a private key"),
    "prose": ("my key", "not a public key that EC2 takes"),
    "ecdsa": (line("ecdsa-sha2-nistp256", ED25519), "not a public key that EC2 takes"),
    "two lines": (line("ssh-rsa", rsa(2048)) + "\nssh-rsa x", "not a public key that EC2 takes"),
    "base64": ("ssh-ed25519 AAAA$$$$c2VjcmV0", "base64 is damaged"),
    "short": (line("ssh-ed25519", ED25519[:-9]), "cut short"),
    "other type": (line("ssh-ed25519", rsa(2048)), "its material is of another type"),
    "length": (line("ssh-ed25519", b"\0\0\0\x0bssh-ed25519\0\0\0\x02ab"), "is not whole"),
    "weak": (line("ssh-rsa", rsa(768)), "this one has 768"),
}


@pytest.mark.parametrize(("key", "words"), BAD_KEYS.values(), ids=BAD_KEYS)
def test_a_wrong_key_is_refused_and_never_repeated(key: str, words: str):
    """What was pasted may be a private key: no sentence shows any of it, nor does the error."""
    with pytest.raises(SpecError) as caught:
        parse_spec(with_value("security.key_pair", {"public_key": key}))

    assert [fault.path for fault in caught.value.faults] == ["security.key_pair.public_key"]
    assert words in str(caught.value)
    assert not any(word in str(caught.value) for word in key.split() if len(word) > 12)
    assert "c2VjcmV0" not in str(caught.value)
