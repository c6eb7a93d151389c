"""The tables of all studies in docs/studies.md: ``python -m benchmarks.studies.page``.

What stands there between ``<!-- table: NAME -->`` and ``<!-- end -->`` is what the study wrote to
``benchmarks/results/studies/NAME.md``, without its title; between ``<!-- studies -->`` and
``<!-- end -->`` is the list of studies. The rest of the page is written by hand.
"""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.studies import compression, few_shot, kept
from benchmarks.studies.declared import FOLDER, names, read
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.writing import write_text

PAGE = Path(__file__).parents[2] / "docs" / "studies.md"
_LIST = re.compile(r"(<!-- studies -->\n).*?(<!-- end -->)", re.DOTALL)
_TABLE = re.compile(r"(<!-- table: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def rendered(text: str, folder: Path = FOLDER, results: Path = kept.RESULTS) -> str:
    """The page with the tables as they are.

    Raises:
        UserError: a table of a study that there is not.
    """
    known = names() if folder == FOLDER else sorted(path.stem for path in folder.glob("*.yaml"))

    def one(match: re.Match[str]) -> str:
        if match["name"] not in known:
            raise at(PAGE, None, f"has a table of {match['name']}, which is no study", "mend it")
        path = results / f"{match['name']}.md"
        if not path.is_file():
            body = f"    make study NAME={match['name']}\n\nNo run is done yet.\n"
        else:
            # Headings of the study stand below the page's own.
            whole = path.read_text(encoding="utf-8").split("\n", 1)[1].strip()
            body = re.sub(r"^## ", "#### ", whole, flags=re.MULTILINE) + "\n"
        return f"{match[1]}\n{body}\n{match[3]}"

    rows = ["| study | what it is | runs done |", "|---|---|---|"]
    rows += [f"| `{name}` | {_line(name, folder, results)} |" for name in known]
    listed = "\n".join(rows) + "\n"
    return _LIST.sub(lambda match: match[1] + listed + match[2], _TABLE.sub(one, text))


def _line(name: str, folder: Path, results: Path) -> str:
    done = kept.done(name, results)
    if few_shot.is_few_shot(name, folder):
        few = few_shot.read(name, folder)
        title, runs = few.title, [run.digest for run in few.runs]
    elif compression.is_compression(name, folder):
        small = compression.read(name, folder)
        title, runs = small.title, [run.digest for run in small.runs]
    else:
        study = read(name, folder)
        title, runs = study.title, [run.digest for run in study.runs]
    return f"{title} | {sum(digest in done for digest in runs)} of {len(runs)}"


def write() -> None:
    """Bring the page up to date."""
    write_text(rendered(PAGE.read_text(encoding="utf-8")), PAGE)


if __name__ == "__main__":
    try:
        write()
    except UserError as problem:
        raise SystemExit(f"error: {problem}") from None
