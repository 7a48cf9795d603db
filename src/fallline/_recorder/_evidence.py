"""What a run says for and against every known cause of its breaking; docs/semantics.md#known-causes."""

from collections.abc import Sequence

from fallline._recorder._broken import Broken
from fallline._recorder._evidence_batch import bad_batch, gradient_leapt
from fallline._recorder._evidence_layer import exploding_layer
from fallline._recorder._evidence_limit import past_the_limit
from fallline._recorder._evidence_overflow import overflow
from fallline._recorder._rows import Row
from fallline._records import Evidence, RecordingHeader, SameBatchSeries


def evidence_of(
    broken: Broken, rows: Sequence[Row], batches: Sequence[SameBatchSeries], header: RecordingHeader
) -> tuple[Evidence, ...]:
    """One piece for each known cause.

    Args:
        broken: the flight that ended in the alarm.
        rows: of the ring, the last is the alarm's.
        batches: the latest measurements on a step's own batch, oldest first.
        header: of the recording.
    """
    batch = bad_batch(broken, batches)
    return (
        past_the_limit(broken, rows, batches, header, jumped=batch.found is True or gradient_leapt(broken)),
        exploding_layer(broken),
        batch,
        overflow(broken, rows, header),
    )
