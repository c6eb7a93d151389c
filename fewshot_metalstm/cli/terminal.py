"""The console of every command: text of the user's is shown as it is, and obeyed by nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from fewshot_metalstm.printable import printable


class Terminal(Console):
    """A console without markup and emoji, on which control characters of a text are escaped.

    A type called ``[/b]`` is no markup, and one with an escape sequence does not reach the
    terminal; what styles and bars need does.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**{"markup": False, "emoji": False, **given})

    def render_str(self, text: str, **given: Any) -> Text:
        """See :class:`Console`; here too, so that widths are those of what is shown."""
        return super().render_str(printable(text), **given)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """See :class:`Console`."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(printable(segment.text), segment.style)
