"""Build EC2 environments from a queue, and take them down again."""

__version__ = "0.1.0"
