"""Whatever dies, whenever: the crash matrix and the seeds of random faults.

    python -m tests.chaos matrix            every call, and every way in which it goes wrong
    python -m tests.chaos cell TEXT         those cells whose names hold this text
    python -m tests.chaos seeds --count 50  random faults, one world a seed
    python -m tests.chaos seed 17           the same faults as in seed 17 again
    python -m tests.chaos recovery          how long a worker's death holds environments up

A world is a Redis, an account in the strict cloud, and real worker processes, shared with no other
world. What is claimed at its end is read from the emulator's own state and from the record's
events, and never from what the workers say of themselves.
"""
