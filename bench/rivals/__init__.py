"""What people would use instead of envwright, written as a competent engineer writes it.

Each builds the environments of `bench.shapes` and ends when their instances have passed their
status checks. Where AWS is and whose credentials count, each reads from AWS's own variables
(`AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`). None of them can take up what a run that died has left
behind, none takes down what failed, and none keeps from making a thing twice when a reply is
lost: that is not what is measured here.

The Python ones run as commands (`python -m bench.rivals.plain_asyncio --shape public --count 100`)
and print one JSON document: how many became `ready`, how many `failed` and of which error codes
(`errors`), and how many `seconds` it took from the first call to the last.
"""
