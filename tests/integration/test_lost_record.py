"""What becomes of an environment whose record Redis has lost, when its name is asked for again."""

from envwright.failure import FailureCategory
from envwright.states import State
from tests.cloud import Cloud
from tests.everything import ALL_OF_WEB
from tests.harness import Environment, counts, existing
from worker.servers import LocalAws


async def test_a_new_record_never_touches_what_an_old_one_made(
    web: Environment, cloud: Cloud, aws: LocalAws
) -> None:
    """The old environment lives on untouched; the new one says what is in its way, and goes."""
    assert (await web.to_rest()).state is State.READY
    before = await existing(aws.url)
    cloud.journal.clear()

    await web.forget_record()
    record = await web.to_rest()

    assert record.state is State.CLEANED
    assert record.failure is not None
    assert record.failure.category is FailureCategory.CONFLICT
    assert "whose record was lost" in record.failure.message
    assert before["vpc"][0] in record.failure.message
    assert await existing(aws.url) == before
    assert await counts(aws.url) == ALL_OF_WEB
