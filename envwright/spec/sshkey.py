"""OpenSSH public keys: what EC2's ImportKeyPair takes, told apart from what must never be sent.

No sentence here repeats a character of the key: what was pasted may be a private one.
"""

import base64
import binascii
from typing import Final

from envwright.spec.forms import fault

_RSA: Final = "ssh-rsa"
_ED25519: Final = "ssh-ed25519"
_RSA_BITS: Final = (1024, 2048, 4096)
_ED25519_BYTES: Final = 32


def canonical_public_key(text: str) -> str:
    """The key's type and material, without its comment, which means nothing to EC2.

    Takes Ed25519 keys, and RSA keys of the lengths that EC2 imports ("Create a key pair for your
    Amazon EC2 instance" in the Amazon EC2 User Guide).
    """
    if "PRIVATE KEY" in text.upper():
        raise fault(
            "This is a private key, which must stay with its owner: give the public half, the one "
            "line of the .pub file, and think of replacing the key, since it was shown here."
        )
    words = text.split(maxsplit=2)
    if len(words) < 2 or len(text.strip().splitlines()) != 1 or words[0] not in (_RSA, _ED25519):
        raise fault(
            "This is not a public key that EC2 takes: give the one line of an OpenSSH .pub file "
            "that begins with ssh-ed25519 or ssh-rsa."
        )
    kind, material = words[:2]
    _check(kind, _decoded(material))
    return f"{kind} {material}"


def _decoded(material: str) -> list[bytes]:
    """The fields of the key's wire format (RFC 4253, section 6.6)."""
    try:
        rest = base64.b64decode(material, validate=True)
    except (binascii.Error, ValueError):
        raise fault("The public key's base64 is damaged: copy the whole .pub file.") from None
    fields = []
    while rest:
        end = 4 + int.from_bytes(rest[:4])
        if len(rest) < end:
            raise fault("The public key is cut short: copy the whole .pub file.")
        fields.append(rest[4:end])
        rest = rest[end:]
    return fields


def _check(kind: str, fields: list[bytes]) -> None:
    if not fields or fields[0] != kind.encode():
        raise fault(f"The public key says that it is {kind}, and its material is of another type.")
    if kind == _ED25519 and [len(field) for field in fields[1:]] != [_ED25519_BYTES]:
        raise fault("The public key is not whole: an Ed25519 key has 32 bytes.")
    if kind == _RSA:
        bits = int.from_bytes(fields[2]).bit_length() if len(fields) == 3 else 0
        if bits not in _RSA_BITS:
            raise fault(f"EC2 takes RSA keys of 1024, 2048 or 4096 bits, and this one has {bits}.")
