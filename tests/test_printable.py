"""Text of the user's where it is shown."""

from __future__ import annotations

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from fewshot_metalstm.printable import as_json, in_field, in_markdown, printable

HOSTILE = "a\x1b]0;title\x07\x1b[2Jb\x9b31mc\r\u202edcba\ud800\x7f"


def test_what_a_terminal_would_obey_is_spelled_out() -> None:
    assert printable(HOSTILE) == ("a\\x1b]0;title\\x07\\x1b[2Jb\\x9b31mc\\r\\u202edcba\\ud800\\x7f")
    harmless = "né\tβ\nδ€𐍈"
    assert printable(harmless) == harmless


def test_a_field_has_no_breaks() -> None:
    assert in_field("a\tb\nc\u2028d é") == "a\\tb\\nc\\u2028d é"


def test_a_cell_of_markdown_holds_no_html() -> None:
    assert in_markdown("<script>a|b</script> & \n") == (
        "&lt;script&gt;a\\|b&lt;/script&gt; &amp; \\n"
    )


@given(st.text())
def test_json_holds_nothing_that_a_terminal_obeys(text: str) -> None:
    shown = as_json({text: [text, "é"]})
    assert json.loads(shown) == {text: [text, "é"]}
    assert "é" in shown
    assert printable(shown) == shown


@given(st.text())
def test_nothing_unprintable_is_left(text: str) -> None:
    shown = printable(text)
    assert not {unicodedata.category(c) for c in shown if c not in "\t\n"} & {"Cc", "Cs"}
    assert printable(shown) == shown
    assert len(in_field(text).splitlines()) <= 1
