"""Tags: what AWS takes as one, and which names are not the caller's to use."""

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Annotated, Final

from pydantic import Field, PlainValidator

from envwright.names import OWN_TAGS, RESERVED_TAG_PREFIXES
from envwright.spec.forms import Flaw, fault, refuse_any, shown, sort_of

MAX_CALLERS_TAGS: Final = 50 - OWN_TAGS
"""How many tags a caller may put on one resource: AWS takes 50, and some are ours."""


def _tag_flaws(tags: Mapping[object, object]) -> Iterator[Flaw]:
    for key, value in tags.items():
        if sentence := _not_the_callers(key) or _key_flaw(key) or _value_flaw(value):
            yield (str(key),), sentence
    if len(tags) > MAX_CALLERS_TAGS:
        yield (
            (),
            f"These are {len(tags)} tags: a resource takes {MAX_CALLERS_TAGS} of yours beside the "
            f"{OWN_TAGS} of envwright.",
        )


def _key_flaw(key: object) -> str | None:
    if not isinstance(key, str):
        return f"A tag's name must be text, and this one is {sort_of(key)}: put it in quotes."
    if not 1 <= len(key) <= 128:
        return "A tag's name has 1 to 128 characters."
    return None if _has_tag_characters(key) else f"{shown(key)} has {_NO_TAG_CHARACTERS}"


def _not_the_callers(key: object) -> str | None:
    if not isinstance(key, str):
        return None
    if key.lower().startswith(RESERVED_TAG_PREFIXES):
        prefixes = " and ".join(f"`{prefix}`" for prefix in RESERVED_TAG_PREFIXES)
        return f"{shown(key)} is a reserved name: your own tags must not begin with {prefixes}."
    if key == "Name":
        return "`Name` is the tag that envwright gives each resource itself: choose another name."
    return None


def _value_flaw(value: object) -> str | None:
    if value is None:
        return 'This tag has no value: give it one, or write "" for an empty one.'
    if not isinstance(value, str):
        return f"A tag's value must be text, and this one is {sort_of(value)}: put it in quotes."
    if len(value) > 256:
        return "A tag's value has up to 256 characters."
    return None if _has_tag_characters(value) else f"The value has {_NO_TAG_CHARACTERS}"


_NO_TAG_CHARACTERS: Final = (
    "characters that AWS does not take in a tag: letters, digits, spaces and _.:/=+-@ are allowed."
)


def _has_tag_characters(text: str) -> bool:
    return all(c in "_.:/=+-@" or unicodedata.category(c)[0] in "LNZ" for c in text)


def _read_tags(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise fault(f"This must be a mapping of tag names to values, and it is {sort_of(value)}.")
    refuse_any(list(_tag_flaws(value)))
    return dict(value)


Tags = Annotated[
    dict[str, str],
    PlainValidator(
        _read_tags,
        json_schema_input_type=Annotated[
            dict[
                Annotated[str, Field(min_length=1, max_length=128)],
                Annotated[str, Field(max_length=256)],
            ],
            Field(max_length=MAX_CALLERS_TAGS),
        ],
    ),
]


def _read_known_tags(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise fault(f"This must be a mapping of tag names to values, and it is {sort_of(value)}.")
    if not value:
        raise fault("This names no tag, and so all that there is: give one or more.")
    refuse_any(
        [
            ((str(key),), sentence)
            for key, text in value.items()
            if (sentence := _key_flaw(key) or _value_flaw(text))
        ]
    )
    return dict(value)


KnownTags = Annotated[
    dict[str, str],
    PlainValidator(
        _read_known_tags,
        json_schema_input_type=Annotated[
            dict[
                Annotated[str, Field(min_length=1, max_length=128)],
                Annotated[str, Field(max_length=256)],
            ],
            Field(min_length=1),
        ],
    ),
]
"""Tags that something has already, whoever put them there."""
