"""moto as the strict cloud runs it: a process of its own, quick, and true to AWS where moto is not.

    python -m tests.cloud.emulator -H 127.0.0.1 -p 5000

It answers AWS's calls as `moto.server` does, and beside them what a test alone may ask: what
truly exists, read from the emulator's own memory, and to forget an account.
"""
