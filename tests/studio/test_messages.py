"""What a client may say: understood, or refused in a sentence, whatever it is."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fallline._studio import _kinds
from fallline._studio._kinds import KINDS
from fallline._studio._messages import Asked, Cancel, MessageError, progress_text, understood
from studio.malformed import MALFORMED


@pytest.mark.parametrize("text", MALFORMED, ids=lambda text: text[:20])
def test_what_is_no_message(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kinds, "KINDS", {"echo": ""})
    with pytest.raises(MessageError, match=r"[.?]$"):
        understood(text)


def test_an_error_says_which_request_it_was_as_far_as_that_can_be_read() -> None:
    with pytest.raises(MessageError) as refused:
        understood('{"id": 12, "kind": "neurn"}')
    assert (refused.value.number, str(refused.value)) == (
        12,
        'There is no kind of request "neurn". Did you mean "neuron"?',
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
MESSAGES = st.fixed_dictionaries(
    {}, optional={"id": JSON, "kind": JSON | st.just("echo"), "lane": JSON, "settings": JSON, "cancel": JSON}
)


@given(MESSAGES)
@settings(max_examples=30)
def test_whatever_is_said_is_understood_or_refused_in_a_sentence(message: dict[str, Any]) -> None:
    text = json.dumps(message)
    heard: Asked | Cancel | str
    try:
        heard = understood(text)
    except MessageError as refused:
        heard = str(refused)
    assert heard.endswith((".", "?")) if isinstance(heard, str) else isinstance(heard.number, int)
    assert not isinstance(heard, Asked) or (isinstance(heard.lane, str) and heard.kind in KINDS)


@pytest.mark.parametrize(("share", "told"), [(-1.0, 0.0), (2.0, 1.0), (float("nan"), 0.0), (0.123456, 0.1235)])
def test_progress_is_a_share(share: float, told: float) -> None:
    assert json.loads(progress_text(1, share, ""))["progress"] == told
