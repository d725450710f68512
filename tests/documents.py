"""The JSON documents that the command line printed."""

import json
from typing import Any

import pytest

Document = dict[str, Any]


def document(capsys: pytest.CaptureFixture[str]) -> Document:
    printed: Document = json.loads(capsys.readouterr().out)
    return printed


def documents(capsys: pytest.CaptureFixture[str]) -> list[Document]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]
