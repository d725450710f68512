"""How often Python looks for garbage in cycles: each look stops every thread, the loop's too."""

import gc
from typing import Final

_BORN_BETWEEN_LOOKS: Final = 200_000
"""By how many more objects there are to be before the next look. Python's own figure is 700: less
than what one answer of AWS is made of."""


def look_less() -> None:
    """Never look again at what the worker holds from its start on, and seldom at the rest.

    A look takes 50 to 500 nanoseconds for each object that it finds alive, which is a tenth of a
    second with a thousand steps; and what a step is made of goes by itself when it ends, since
    nothing of it is in a cycle. It is to be called once all modules and models are loaded.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_BORN_BETWEEN_LOOKS)
