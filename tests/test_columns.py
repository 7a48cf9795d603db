"""Text in the columns of a terminal."""

from hypothesis import given
from hypothesis import strategies as st

from fallline._columns import aligned, beginning, columns_of, end, widths_of

TEXT = st.text(st.sampled_from("ab漢字ｶＡ한\u0301\u200b…−"), max_size=12)


def test_what_letters_take() -> None:
    assert [columns_of(text) for text in ("", "abc", "漢字", "한", "Ａ", "ｶ", "e\u0301", "−", "\u200b")] == [
        0, 3, 4, 2, 2, 1, 1, 1, 0,
    ]  # fmt: skip


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=5))
def test_columns_begin_and_end_under_each_other(rows: list[tuple[str, str, str]]) -> None:
    bar = [(first, second, third, "|") for first, second, third in rows]
    lines = aligned(bar, (False, True, False, False))
    assert {columns_of(line) for line in lines} == {sum(widths_of(bar)) + 2 * 3}
    for line, (first, second, *_) in zip(lines, rows, strict=True):
        left, right = widths_of(rows)[:2]
        assert line.startswith(first)
        assert line.startswith(first + " " * (left - columns_of(first)) + "  " + " " * (right - columns_of(second)))


@given(TEXT, st.integers(1, 12))
def test_what_is_too_long_is_cut(text: str, most: int) -> None:
    for cut in (beginning(text, most), end(text, most)):
        assert columns_of(cut) <= most
        assert (cut == text) == (columns_of(text) <= most)
    assert text.startswith(beginning(text, most).removesuffix("…"))
    assert text.endswith(end(text, most).removeprefix("…"))
