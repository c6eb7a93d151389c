"""The view of a text in a browser: filters, keys, looks without colour, on paper and at night."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.kinds.tagging.formats.document import Document, Mention
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.pages.view import make_view, placed, write_view
from tests.kinds.tagging.pages.test_view import EVIL, reading, view


@pytest.fixture
def shown(page: Any, tmp_path: Path) -> Any:
    """The page of five sentences: right, missed, spurious, boundary and type."""
    page.goto(write_view(view(), "Five", tmp_path / "v.html").as_uri())
    return page


def numbers(page: Any) -> list[int]:
    """The sentences that are shown."""
    return [int(each.inner_text()) for each in page.locator(".sentence:visible .n").all()]


def test_filters(shown: Any) -> None:
    assert numbers(shown) == [1, 2, 3, 4, 5]
    shown.locator("[name=kind][value=clean]").uncheck()
    assert numbers(shown) == [2, 3, 4, 5]
    shown.locator("[name=kind][value=missed]").uncheck()
    assert numbers(shown) == [3, 4, 5]
    assert shown.locator("#shown").inner_text() == "3 of 5 shown"
    shown.locator("[name=type][value='0']").uncheck()  # Species
    assert numbers(shown) == [5]
    shown.locator("[name=type][value='0']").check()
    shown.locator("[name=sure]").fill("75")
    assert numbers(shown) == [3, 4]
    shown.locator("[name=sure]").fill("100")
    shown.locator("[name=words]").fill("COLI grew")
    assert numbers(shown) == [4]
    shown.locator("[name=words]").fill("boundary")  # labels are no text
    assert numbers(shown) == []


def test_keys(shown: Any) -> None:
    focused = "document.activeElement.id"
    shown.keyboard.press("j")
    first = shown.evaluate(focused)
    shown.keyboard.press("j")
    assert shown.evaluate(focused) == f"s{int(first[1:]) + 1}"
    shown.keyboard.press("k")
    assert shown.evaluate(focused) == first
    shown.keyboard.press("e")
    assert numbers(shown) == [2, 3, 4, 5]
    shown.keyboard.press("/")
    shown.keyboard.type("jek")  # into the search, not as commands
    assert shown.locator("[name=words]").input_value() == "jek"
    assert numbers(shown) == []


def test_it_is_read_without_colour(shown: Any) -> None:
    """Each kind of mistake has words, and lines of its own kind."""
    look = """each => { const s = getComputedStyle(each);
        return [s.borderBottomStyle, s.borderTopStyle, s.textDecorationStyle].join(" ") }"""
    looks = {}
    for kind in ("missed", "spurious", "boundary", "type"):
        mark = shown.locator(f"mark.{kind}").first
        assert kind in mark.inner_text()
        looks[kind] = mark.evaluate(look)
    looks["right"] = shown.locator("#s1 mark").evaluate(look)
    assert len(set(looks.values())) == 5, looks
    assert "99%" in shown.locator("#s1 mark").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_by_day_and_by_night(shown: Any, scheme: str) -> None:
    shown.emulate_media(color_scheme=scheme)
    contrast = """each => {
        const parts = text => text.match(/[\\d.]+/g).map(Number);
        const light = c => { const [r, g, b] = c.map(v => v / 255)
            .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
            return .2126 * r + .7152 * g + .0722 * b };
        let behind = each, colour;
        do { colour = parts(getComputedStyle(behind).backgroundColor);
            behind = behind.parentElement }
        while (colour.length === 4 && colour[3] === 0 && behind);
        const a = light(parts(getComputedStyle(each).color)), b = light(colour);
        return (Math.max(a, b) + .05) / (Math.min(a, b) + .05) }"""
    for selector in ("h1", "#s1 mark", "#s5 mark >> nth=0", "#s3 mark b", "#s2 mark b", "p.soft"):
        assert shown.locator(selector).first.evaluate(contrast) >= 4.5, selector


def test_it_fits_a_narrow_screen(shown: Any) -> None:
    shown.set_viewport_size({"width": 390, "height": 800})
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert shown.evaluate(wide) <= 0
    filters = shown.locator("#filters")
    edge = filters.evaluate("each => each.getBoundingClientRect().right")
    inner = "all => Math.max(...all.map(each => each.getBoundingClientRect().right))"
    assert filters.locator("input, output").evaluate_all(inner) <= edge


def test_on_paper_there_are_no_controls(shown: Any) -> None:
    shown.emulate_media(media="print")
    assert not shown.locator("#filters").is_visible()
    assert len(numbers(shown)) == 5


def test_a_hostile_text_does_nothing(page: Any, tmp_path: Path) -> None:
    text = f"{EVIL} <img src=http://x.invalid/a.png onerror=alert(1)>"
    sentences = placed([Document(EVIL, text, (Mention(0, 8, EVIL),))], "longest", Notes(), tmp_path)
    made = make_view(EVIL, (EVIL,), sentences, [reading((0, 1, EVIL, 0.5)) for _ in sentences],
                     gold=True, notes=[EVIL])  # fmt: skip
    page.goto(write_view(made, EVIL, tmp_path / "v.html").as_uri())
    assert page.locator("h1").inner_text() == EVIL
    assert page.locator("img").count() == 0
    # Even a script that had got in would not run: the policy names the page's own.
    page.evaluate("""() => { const s = document.createElement("script");
        s.textContent = "document.title = 'broken'"; document.body.append(s) }""")
    assert page.title() == EVIL


def test_thousands_of_sentences_are_filtered_quickly(page: Any, tmp_path: Path) -> None:
    text = "\n".join(f"Mice ate {i} grains of rice" for i in range(4000))
    sentences = placed([Document("d", text)], "error", Notes(), tmp_path)
    readings = [reading((0, 1, "Species", 0.9))] * len(sentences)
    made = make_view("m", ("Species",), sentences, readings, gold=False)
    page.goto(write_view(made, "Many", tmp_path / "v.html").as_uri())
    page.locator("[name=words]").fill("3999 grains")
    assert numbers(page) == [4000]
