"""How often Python looks for garbage in cycles: each look stops every thread, the loop's too."""

import gc
from typing import Final

_BORN_BETWEEN_LOOKS: Final = 20_000
"""Python's own figure is 700: less than what one answer of AWS is made of."""


def look_less() -> None:
    """Never look again at what the worker holds from its start on, and seldom at the rest.

    A look at everything takes half a microsecond for each object: a quarter of a second with a
    thousand steps. It is to be called once all modules and models are loaded.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_BORN_BETWEEN_LOOKS)
