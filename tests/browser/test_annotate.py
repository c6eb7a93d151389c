"""A sitting in a browser by keyboard alone: annotate, see proposals, accept, undo, reload, export.

The server runs in a process of its own, as a user starts it, with a tiny checkpoint.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.kinds.tagging.annotate.serve import Address, doorway
from fewshot_metalstm.kinds.tagging.formats import read_documents
from fewshot_metalstm.kinds.tagging.tagger.model import save_model
from tests.browser.conftest import PATIENCE
from tests.cli.builders import QUICK, settings, start
from tests.cli.test_annotate import address_of
from tests.kinds.tagging.annotate.builders import STRAINS, TEXT
from tests.pretrained.builders import checkpoint

EVIL = "<img src=http://x.invalid/a.png onerror=alert(1)>"
MODULE = "FEWSHOT_METALSTM_AXE"


def command(folder: Path, text: str = TEXT, *more: str) -> list[str]:
    """Start a project ``mine`` on a text."""
    (folder / "t.txt").write_text(text, encoding="utf-8")
    return ["annotate", "t.txt", "--types", "Strain,Time", "-o", "mine", "--no-browser",
            "--no-tracking", *more]  # fmt: skip


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The address of a server without a tagger, on a text with markup and overlaps in reach."""
    text = f"{TEXT}The {EVIL} grew 𓀀 IL-2 in it.\n"
    with start(command(tmp_path, text, "--checkpoint", "none"), tmp_path) as process:
        yield address_of(process)


def until(page: Any, true: str, *given: Any) -> None:
    """Wait until an expression of JavaScript holds.

    Playwright's own way to wait lets the page evaluate text, which its policy forbids.
    """
    end = time.monotonic() + PATIENCE / 1000
    while not page.evaluate(true, *given):
        assert time.monotonic() < end, true
        page.wait_for_timeout(20)


def opened(page: Any, address: str) -> Any:
    page.goto(address)
    until(page, "document.querySelector('#text .seg') !== null")
    return page


def text_of(page: Any) -> str:
    found = page.evaluate(
        "Array.from(document.querySelectorAll('#text .seg'), e => e.textContent).join('')"
    )
    return str(found)


def number(page: Any) -> int:
    """The sentence that is shown, from 1."""
    return int(page.locator("#where").inner_text().split()[-1])


def settled(page: Any, actions: int) -> None:
    """Wait until so many actions are on the disk and shown."""
    until(page,
        "n => fetch('/api/status', {headers: {Authorization: 'Bearer ' + "
        "sessionStorage.getItem('fewshot-metalstm-token')}}).then(r => r.json())"
        ".then(s => s.actions >= n)", actions,
    )  # fmt: skip


def mark_strain(page: Any) -> bool:
    """Select the strain of the sentence by keys and mark it; whether there is one."""
    words = text_of(page).split()
    found = [i for i, word in enumerate(words) if word in STRAINS]
    for place in found:
        page.keyboard.press("Home")
        for _ in range(place):
            page.keyboard.press("ArrowRight")
        page.keyboard.press("1")
        until(page, "document.querySelector('#marks li strong') !== null")
    return bool(found)


@pytest.mark.slow
def test_a_sitting_by_keyboard_alone(page: Any, tmp_path: Path) -> None:
    save_model(checkpoint(), tmp_path / "c")
    arguments = command(tmp_path, TEXT, "--checkpoint", str(tmp_path / "c"), *settings(QUICK))
    with start(arguments, tmp_path) as process:
        opened(page, address_of(process))
        assert page.url.endswith("/")  # the token is not left in the address
        strains = 0
        for done in range(10):
            strains += mark_strain(page)
            before = number(page)
            page.keyboard.press("Shift+Enter")  # whatever may be proposed by now
            until(
                page, "n => !document.getElementById('where').textContent.endsWith(' ' + n)", before
            )
            assert page.locator("#progress").inner_text().startswith(f"{done + 1} of 24")
        assert strains > 0
        until(page, "/has learned from/.test(document.getElementById('doing').textContent)"
                               " || document.querySelector('.label.asks')")  # fmt: skip
        # Undo shows the sentence that it changes.
        page.keyboard.press("u")
        until(page, "/^9 of/.test(document.getElementById('progress').textContent)")
        page.keyboard.press("Shift+U")
        until(page, "/^10 of/.test(document.getElementById('progress').textContent)")
        page.reload()
        until(page, "/^10 of/.test(document.getElementById('progress').textContent)")
        page.locator("#adapt").press("Enter")
        page.keyboard.press("Escape")
        until(page, "document.querySelector('#curve:not([hidden]) circle') !== null")
        assert "mean and 95% interval" in page.locator("#caption").inner_text()
        page.locator("#text").focus()
        page.keyboard.press("e")
        page.locator("#format").select_option("conll")
        page.locator("#export-form .first").press("Enter")
        until(page, "/Wrote/.test(document.getElementById('exported').textContent)")
    found = list(read_documents(tmp_path / "mine" / "exports" / "sentences-conll.conll"))
    assert len(found) == 10
    assert {d.text[m.start : m.end] for d in found for m in d.mentions if m.type == "Strain"} & {
        *STRAINS
    }
    (tmp_path / "more.txt").write_text("Cells of W303 were grown.\n")
    assert main(["predict", str(tmp_path / "mine"), str(tmp_path / "more.txt"), "--quiet"]) == 0


def test_proposals_are_accepted_and_rejected(page: Any, served: str) -> None:
    """They come with the answers here, so that what is proposed is known."""

    def propose(route: Any) -> None:
        answer = route.fetch()
        given = answer.json()
        for each in given:
            if each["number"] == 0 and each["status"] == "open":
                wanted = [["Strain", [[9, 13]], 0.9], ["Time", [[29, 35]], 0.3]]
                known = each["spans"] + each["rejected"]
                each["proposals"] = [w for w in wanted if w[:2] not in known]
        route.fulfill(response=answer, json=given)

    page.route("**/api/sentences?full*", propose)
    opened(page, served)
    assert page.locator("#text .label").all_inner_texts() == ["Strain 90%?", "Time 30%?"]
    page.keyboard.press("Enter")  # which does not leave them out unsaid
    assert "2 proposals are undecided" in page.locator("#doing").inner_text()
    assert page.locator("#text .acting").all_inner_texts() == ["2", " ", "days"]  # the least sure
    page.keyboard.press("ArrowDown")
    page.keyboard.press("a")
    until(page, "document.querySelector('#marks li:not(.asks)') !== null")
    assert page.locator("#marks li:not(.asks)").inner_text().split() == ["Strain", "W303", "Remove"]
    settled(page, 1)
    until(page, "document.querySelectorAll('#marks li').length === 1")  # as the server has it
    page.keyboard.press("n")
    page.keyboard.press("p")
    until(page, "document.querySelectorAll('#marks li').length === 2")
    page.keyboard.press("r")
    settled(page, 2)
    until(page, "document.querySelectorAll('#marks li').length === 1")


def test_ends_are_moved_and_what_else_is_likely(page: Any, served: str, tmp_path: Path) -> None:
    """As a simulated person does it; see ``benchmarks/presses.py``."""
    proposed: list[Any] = [["Strain", [[6, 13]], 0.9], ["Time", [[29, 30]], 0.3]]
    more: list[Any] = [
        ["Time", [[29, 35]], 0.4],
        ["Time", [[14, 18]], 0.2],
        ["Strain", [[0, 5]], 0.1],
    ]

    def propose(route: Any) -> None:
        answer = route.fetch()
        given = answer.json()
        for each in given if isinstance(given, list) else [given["sentence"]]:
            if each["number"] == 0:
                marked = [piece for span in each["spans"] for piece in span[1]]
                for name, wanted in (("proposals", proposed), ("likely", more)):
                    each[name] = [
                        [kind, [[a, b]], sure] for kind, [[a, b]], sure in wanted
                        if [kind, [[a, b]]] not in each["rejected"]
                        and not any(c < b and a < d for c, d in marked)
                    ]  # fmt: skip
        route.fulfill(response=answer, json=given)

    page.route("**/api/sentences?full*", propose)
    page.route("**/api/act", propose)
    opened(page, served)
    likely = page.locator("#text .likely")
    assert likely.all_inner_texts() == ["Cells", "were"]  # apart from what is proposed
    press = page.keyboard.press
    press(".")  # the less sure of the two, which becomes 2 days
    press("Escape")
    press(">")  # of W303 becomes W303
    press("m")
    press("m")
    assert page.locator("#text .picked").all_inner_texts() == ["Cells"]
    press("a")
    settled(page, 3)
    press("m")  # what was passed is shown again when there is nothing else
    press("<")  # grows to the left, over what is marked
    press(",")
    press(",")  # less than a word is no mention
    settled(page, 5)
    journal = (tmp_path / "mine" / "journal.jsonl").read_text(encoding="utf-8")
    entries = [json.loads(line) for line in journal.splitlines()]
    text = text_of(page)
    assert [sorted(text[a:b] for _, ((a, b),) in entry["spans"]) for entry in entries] == [
        ["2 days"], ["2 days", "W303"], ["2 days", "Cells", "W303"],
        ["2 days", "Cells", "W303", "W303 were"], ["2 days", "Cells", "W303", "W303"],
    ]  # fmt: skip
    assert ["Time", [[29, 30]]] in entries[-1]["rejected"]
    page.unroute_all(behavior="wait")  # an answer may be under way


def test_marks_of_all_shapes(page: Any, served: str, tmp_path: Path) -> None:
    opened(page, served)
    page.locator("#words").fill("𓀀")
    until(page, "document.querySelectorAll('#rows .row').length === 1")
    page.locator("#words").press("Enter")
    until(page, "document.getElementById('text').textContent.includes('𓀀')")
    assert EVIL in text_of(page)
    assert page.locator("#text img").count() == 0
    key = page.keyboard.press
    key("End")
    for _ in range(5):  # it in 2 - IL
        key("ArrowLeft")
    for _ in range(2):
        key("Shift+ArrowRight")
    key("1")  # IL-2
    key("Home")
    key("End")
    key("ArrowLeft")  # it
    key("+")
    until(page, "document.getElementById('marks').textContent.includes('IL-2 … it')")
    key("Escape")
    key("End")
    key("ArrowLeft")
    key("ArrowLeft")
    key("ArrowLeft")
    key("Shift+ArrowRight")  # 2 in, across the end of the other
    key("Alt+ArrowLeft")  # 2 i
    key("2")
    settled(page, 3)
    key("t")
    page.locator("#type-name").fill(EVIL)
    page.locator("#type-name").press("Enter")
    until(page, "document.querySelectorAll('#types button').length === 4")
    key("Escape")
    key("3")  # nothing is selected
    key("Home")
    key("3")
    settled(page, 5)
    assert page.locator("#text img, #types img, #marks img").count() == 0
    journal = (tmp_path / "mine" / "journal.jsonl").read_text(encoding="utf-8")
    entries = [json.loads(line) for line in journal.splitlines()]
    chars = list(text_of(page))

    def words(span: Any) -> list[str]:
        return ["".join(chars[a:b]) for a, b in span[1]]

    spans = {span[0]: words(span) for span in entries[-1]["spans"]}
    assert spans == {"Strain": ["IL-2", "it"], "Time": ["2 i"], EVIL: ["The"]}


def test_the_mouse(page: Any, served: str, tmp_path: Path) -> None:
    """And the file that the browser is opened with."""
    place, _, token = served.partition("#")
    address = Address(None, "127.0.0.1", int(place.strip("/").split(":")[-1]), token)  # type: ignore[arg-type]
    with doorway(address, tmp_path) as door:
        page.goto(door.as_uri())
        page.wait_for_url(f"{place}**")
        until(page, "document.querySelector('#text .seg') !== null")
    segments = page.locator("#text .seg")
    segments.filter(has_text="of").first.hover()
    page.mouse.down()
    segments.filter(has_text="W303").first.hover()
    page.mouse.up()
    page.locator("#types button").first.click()
    until(page, "document.getElementById('marks').textContent.includes('of W303')")
    page.locator("#marks button").click()
    until(page, "document.querySelectorAll('#marks li').length === 0")


def test_another_tab_gets_nothing_without_the_address(page: Any, served: str) -> None:
    page.goto(served.partition("#")[0])
    until(page, "!document.getElementById('problem').hidden")
    assert "open the address" in page.locator("#problem").inner_text()
    assert page.locator("#text .seg").count() == 0


def test_it_fits_and_is_accessible(page: Any, served: str) -> None:
    opened(page, served)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("1")
    until(page, "document.querySelector('#marks li') !== null")
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(wide) <= 0
    axe = os.environ.get(MODULE)
    if axe is None:
        pytest.skip(f"no axe here: npm pack axe-core, and {MODULE}=.../axe.min.js")
    page.evaluate(Path(axe).read_text(encoding="utf-8"))
    for scheme, dialog in (*product(("light", "dark"), (None, "keys", "exporting", "typing")),):
        page.emulate_media(color_scheme=scheme)
        if dialog is not None:
            page.evaluate("name => document.getElementById(name).showModal()", dialog)
        found = page.evaluate("axe.run().then(r => r.violations.map(v => [v.id, v.help, "
                              "v.nodes.map(n => n.html)]))")  # fmt: skip
        assert found == [], (scheme, dialog)
        if dialog is not None:
            page.keyboard.press("Escape")


def test_many_sentences_open_quickly(page: Any, tmp_path: Path) -> None:
    """Only those in sight are in the page, and the last one is a key away."""
    text = "".join(f"Mice ate {i} grains of rice.\n" for i in range(20_000))
    with start(command(tmp_path, text, "--checkpoint", "none"), tmp_path) as process:
        opened(page, address_of(process))
        assert page.locator("#rows .row").count() < 60
        page.locator("#list").evaluate("each => { each.scrollTop = each.scrollHeight }")
        until(page, "/19999 grains/.test(document.getElementById('rows').textContent)")
        assert page.locator("#rows .row").count() < 60
