"""What a spec is refused for: every fault at once, each once, at its place, in a sentence."""

from typing import Any

import pytest

from tests.spec_data import faults_of, many_tags, valid, with_value


def test_ten_faults_are_told_in_ten_sentences():
    """Nobody has to mend one fault to learn of the next: structure, values and what must agree."""
    data = {
        "name": "Web",
        "region": "eu-west-1",
        "tags": {"aws:owner": "me"},
        "on_failure": "explode",
        "network": {
            "cidr": "10.20.0.1/16",
            "zones": ["eu-west-1a", "us-east-1b"],
            "public_subnets": {"cidrs": ["10.20.0.0/24", "10.20.0.128/25"]},
        },
        "security": {"groups": {"web": {"ingress": [{"ports": 70000, "cidrs": ["10.0.0.0/8"]}]}}},
        "instances": {
            "web": {
                "types": ["t3.micro"],
                "image": "/aws/image",
                "security_groups": ["wbe"],
                "user_data": "x" * 16385,
                "rootvolume": {},
            }
        },
    }

    assert faults_of(data) == [
        (
            "name",
            "`Web` is not a name: use 2 to 40 lower-case letters, digits and hyphens, with a "
            "letter first and no hyphen at the end.",
        ),
        (
            'tags["aws:owner"]',
            "`aws:owner` is a reserved name: your own tags must not begin with `aws:` and "
            "`envwright:`.",
        ),
        ("on_failure", "This must be `cleanup` or `hold`."),
        (
            "network.cidr",
            "`10.20.0.1/16` is an address inside a network: the network is 10.20.0.0/16.",
        ),
        ("network.zones[1]", "us-east-1b is not a zone of the spec's region, eu-west-1."),
        (
            "network.public_subnets.cidrs[1]",
            "10.20.0.128/25 overlaps 10.20.0.0/24, another subnet's block.",
        ),
        (
            "security.groups.web.ingress[0].ports",
            "`70000` is out of range: ports go from 0 to 65535.",
        ),
        (
            "instances.web.security_groups[0]",
            "`wbe` is not a security group of this spec: did you mean `web`?",
        ),
        (
            "instances.web.user_data",
            "The user data has 16385 bytes: EC2 takes 1 to 16384, before base64.",
        ),
        ("instances.web.rootvolume", "There is no such field; did you mean `root_volume`?"),
    ]


ONE_FAULT = [
    # the environment
    ("name", "-web", "name", "is not a name"),
    ("name", "web\n", "name", r"`web\x0a` is not a name"),
    ("name", 7, "name", "This must be text, and it is a number: put it in quotes."),
    ("region", "ireland", "region", "is not the name of an AWS region"),
    ("deadline", "soon", "deadline", "is not a duration"),
    ("deadline", True, "deadline", "is not a duration"),
    ("deadline", "59s", "deadline", "between 1 minute and 24 hours"),
    ("deadline", "25h", "deadline", "between 1 minute and 24 hours"),
    ("ttl", "tomorrow", "ttl", "is not a duration: write 90s, 30m, 2h or 7d"),
    ("ttl", True, "ttl", "is not a duration"),
    ("ttl", "299s", "ttl", "between 5 minutes and 365 days"),
    ("ttl", "366d", "ttl", "between 5 minutes and 365 days"),
    ("on_failure", None, "on_failure", "must be `cleanup` or `hold`"),
    ("account", {"role_arn": "me"}, "account.role_arn", "`me` is not the ARN of a role"),
    (
        "account",
        {"role_arn": "arn:aws-cn:iam::123456789012:role/x"},
        "account.role_arn",
        "begins with arn:aws: and not aws-cn",
    ),
    ("security", None, "security", "must be a mapping of fields, and it is empty"),
    ("notes", "hello", "notes", "no such field; the fields here are `name`, `region`"),
    # tags
    ("tags", ["a"], "tags", "must be a mapping of tag names to values, and it is a list"),
    ("tags", {"cost": 42}, "tags.cost", "this one is a number: put it in quotes"),
    ("tags", {"on": True}, "tags.on", "this one is true or false: put it in quotes"),
    ("tags", {True: "yes"}, "tags.True", "A name must be text, and this is true or false"),
    ("tags", {"owner": None}, "tags.owner", "This tag has no value"),
    ("tags", {"AWS:x": "y"}, 'tags["AWS:x"]', "is a reserved name"),
    ("tags", {"EnvWright:x": "y"}, 'tags["EnvWright:x"]', "is a reserved name"),
    ("tags", {"Name": "mine"}, "tags.Name", "envwright gives each resource itself"),
    ("tags", {"": "x"}, 'tags[""]', "1 to 128 characters"),
    ("tags", {"k" * 129: "x"}, f'tags["{"k" * 63}"]', "1 to 128 characters"),
    ("tags", {"k": "v" * 257}, "tags.k", "up to 256 characters"),
    ("tags", {"k": "what?"}, "tags.k", "characters that AWS does not take"),
    ("tags", many_tags(47), "tags", "These are 47 tags: a resource takes 46"),
    # the network
    (
        "network.cidr",
        "10.20.0.0",
        "network.cidr",
        "has no prefix length: add it, as in 10.20.0.0/16",
    ),
    ("network.cidr", "10.20.0.0/255.255.0.0", "network.cidr", "as in 10.20.0.0/16"),
    ("network.cidr", "10.300.0.0/16", "network.cidr", "is not a CIDR block"),
    ("network.cidr", "10.0.0.0/8", "network.cidr", "10.0.0.0/8 is too large"),
    ("network.cidr", "10.0.0.0/29", "network.cidr", "10.0.0.0/29 is too small"),
    ("network.cidr", "fd00::/16", "network.cidr", "is an IPv6 block"),
    ("network.cidr", "127.0.0.0/16", "network.cidr", "loopback"),
    ("network.cidr", "169.254.0.0/16", "network.cidr", "link-local"),
    ("network.cidr", "239.255.0.0/16", "network.cidr", "multicast"),
    ("network.cidr", "0.0.0.0/16", "network.cidr", "or reserved addresses"),
    ("network.cidr", "0.255.255.0/24", "network.cidr", "or reserved addresses"),
    ("network.cidr", "240.0.0.0/16", "network.cidr", "or reserved addresses"),
    ("network.cidr", "255.255.0.0/16", "network.cidr", "or reserved addresses"),
    (
        "network.cidr",
        "10.20.0.0/28",
        "network.cidr",
        "holds 1 subnets of /28 for the tier `public`, and 2",
    ),
    ("network.zones", 0, "network.zones", "1 to 6 zones"),
    ("network.zones", "two", "network.zones", "Say how many zones"),
    ("network.zones", [], "network.zones", "needs 1 entry or more"),
    ("network.zones", ["eu-west-1a"] * 2, "network.zones[1]", "is in this list already"),
    ("network.zones", ["eu-west-1-lon-1a"], "network.zones[0]", "local zones are not supported"),
    ("network.zones", ["euw1-az1"], "network.zones[0]", "zone ids and local zones"),
    ("network.dns", {"support": "yes"}, "network.dns.support", "must be true or false"),
    (
        "network.dns",
        {"support": False, "hostnames": True},
        "network.dns.hostnames",
        "need `support: true`",
    ),
    ("network.public_subnets", {"prefix": 29}, "network.public_subnets.prefix", "at most 28"),
    ("network.public_subnets", {"prefix": 16}, "network.public_subnets.prefix", "holds 1 subnets"),
    (
        "network.public_subnets",
        {"prefix": 24, "cidrs": ["10.20.0.0/24", "10.20.1.0/24"]},
        "network.public_subnets",
        "`prefix` and `cidrs` exclude each other",
    ),
    (
        "network.public_subnets",
        {"cidrs": ["10.20.0.0/24"]},
        "network.public_subnets.cidrs",
        "1 blocks for 2 zones",
    ),
    (
        "network.public_subnets",
        {"cidrs": ["10.20.0.0/24", "10.21.0.0/24"]},
        "network.public_subnets.cidrs[1]",
        "lies outside the VPC's 10.20.0.0/16",
    ),
    # security
    ("security.groups.default", {}, "security.groups.default", "has a group named `default`"),
    ("security.groups.sg-1", {}, "security.groups.sg-1", "which AWS keeps for ids"),
    ("security.groups.web.description", "", "security.groups.web.description", "AWS takes"),
    ("security.groups.web.description", "naïve", "security.groups.web.description", "AWS takes"),
    # instances
    ("instances.Web_1", {}, "instances.Web_1", "is not a name"),
    ("instances.web.count", 0, "instances.web.count", "must be at least 1"),
    ("instances.web.count", 101, "instances.web.count", "must be at most 100"),
    ("instances.web.count", 1.5, "instances.web.count", "must be a whole number"),
    ("instances.web.types", [], "instances.web.types", "needs 1 entry or more"),
    ("instances.web.types", ["big"], "instances.web.types[0]", "`big` is not an EC2 instance type"),
    ("instances.web.types", "t3.micro", "instances.web.types", "put it in square brackets"),
    ("instances.web.types", ["t3.a", "t3.a"], "instances.web.types[1]", "in this list already"),
    ("instances.web.image", "ami-12", "instances.web.image", "`ami-12` is not an image"),
    ("instances.web.image", "/a b", "instances.web.image", "is not an image"),
    ("instances.web.image", "/" + "a" * 1011, "instances.web.image", "is not an image"),
    ("instances.web.zones", ["eu-west-1c"], "instances.web.zones[0]", "not one of the zones"),
    ("instances.web.security_groups", [], "instances.web.security_groups", "1 entry or more"),
    (
        "instances.web.security_groups",
        ["web", "web"],
        "instances.web.security_groups[1]",
        "in this list already",
    ),
    ("instances.web.user_data", "", "instances.web.user_data", "has 0 bytes"),
    ("instances.web.user_data", "é" * 8193, "instances.web.user_data", "has 16386 bytes"),
    ("instances.web.user_data", 5, "instances.web.user_data", "must be text"),
    ("instances.web.user_data", "\ud800", "instances.web.user_data", "surrogate"),
    (
        "instances.web.user_data",
        {"file": "setup.sh"},
        "instances.web.user_data",
        "Only a spec file can name a user data file",
    ),
    ("instances.web.user_data", {"fiel": "x"}, "instances.web.user_data", "the one field `file`"),
    ("instances.web.root_volume", {"type": "io9"}, "instances.web.root_volume.type", "must be"),
    (
        "instances.web.root_volume",
        {"type": "standard", "size": 1025},
        "instances.web.root_volume.size",
        "A standard volume has 1 to 1024 GiB",
    ),
    (
        "instances.web.root_volume",
        {"device_name": "xvda"},
        "instances.web.root_volume.device_name",
        "is not a device name",
    ),
    ("instances.web.tags", {"envwright:x": "y"}, 'instances.web.tags["envwright:x"]', "reserved"),
]


@pytest.mark.parametrize(
    ("place", "value", "path", "words"),
    ONE_FAULT,
    ids=[f"{place}={str(value)[:20]!a}" for place, value, _, _ in ONE_FAULT],
)
def test_one_mistake_is_one_fault(place: str, value: Any, path: str, words: str):
    """A mistake is told once, at its own place, with what to do about it."""
    data = with_value(place, value)
    if place == "instances.Web_1":
        data["instances"] = {"Web_1": data["instances"]["web"]}

    ((at, sentence),) = faults_of(data)

    assert at == path
    assert words in sentence
    assert sentence.endswith((".", "?"))


def test_a_missing_field_is_named_with_what_it_is_for():
    """Whoever starts with an empty mapping learns what a spec needs."""
    assert [path for path, _ in faults_of({})] == ["name", "region", "network"]
    assert ("region", "This field is missing. The AWS region to build in, such as eu-west-1.") in (
        faults_of({})
    )


def test_a_misspelt_field_is_not_missing_as_well():
    """One slip of the pen is one fault, and what depends on the field stays unsaid."""
    data = valid()
    data["network"]["cidrs"] = data["network"].pop("cidr")

    assert faults_of(data) == [("network.cidrs", "There is no such field; did you mean `cidr`?")]
