"""The benchmarks: what is measured, how, and against what; docs/performance.md says it in words.

Every process is one of its own (the fake AWS, the layer in front of it, Redis, each worker, and
this one), so that what each costs is known.
"""
