"""Times as AWS tells them."""

from datetime import UTC, datetime

import pytest
from botocore.utils import parse_timestamp

from tasks.aws.session import moment


@pytest.mark.parametrize(
    "told",
    [
        "2026-11-24T22:44:36Z",
        "2026-11-24T22:44:36.425Z",
        "2026-11-24T22:44:36+00:00",
        "Tue, 24 Nov 2026 22:44:36 GMT",
        "1795560276",
        "1795560276.425",
        1795560276.425,
    ],
)
def test_a_time_is_read_as_the_sdk_reads_it(told: str | float) -> None:
    """In each of the forms that AWS's protocols have for it."""
    assert moment(told) == parse_timestamp(told)
    assert moment(told).replace(microsecond=0) == datetime(2026, 11, 24, 22, 44, 36, tzinfo=UTC)
