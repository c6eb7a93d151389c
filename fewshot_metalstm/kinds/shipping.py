"""What a checkpoint that is given away needs, of any kind: its files, and its model card."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fewshot_metalstm.data.catalogue import Catalogue
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.exchange import put_in_place
from fewshot_metalstm.figure import Figure
from fewshot_metalstm.pretrained import CARD
from fewshot_metalstm.writing import beside, write_text

HOME = "fewshot-metalstm"
MEGABYTE = 10**6


def write_packed(
    checkpoint: Path, output: Path, *, save: Callable[[Path], None], card: Callable[[Path], str],
    limit: float, cure: str,
) -> int:  # fmt: skip
    """Write a packed checkpoint with its card, whole or not at all; its bytes.

    Args:
        checkpoint: what is packed, for the message.
        save: writes the checkpoint into the folder that it is given; ``card`` tells of that folder.
        limit: most MB (10^6 bytes) of all files together.
        cure: what to do about one that is larger.

    Raises:
        UserError: it is.
    """
    with beside(output, put_in_place) as folder:
        save(folder)
        write_text(card(folder), folder / CARD)
        size = sum(file.stat().st_size for file in folder.iterdir())
        if size > limit * MEGABYTE:
            raise UserError(
                f"{checkpoint} takes {size / MEGABYTE:.1f} MB packed, over {limit:g}; {cure}"
            )
        folder.chmod(0o755)
        for file in folder.iterdir():  # safetensors keeps its files to their owner
            file.chmod(0o644)
    return size


def page(name: str, fields: Mapping[str, Any], sections: Sequence[str]) -> str:
    """A model card: ``fields`` at its head, a title, and sections behind it."""
    import yaml

    head = {**fields, "library_name": HOME}
    parts = [f"---\n{yaml.safe_dump(head, sort_keys=False)}---", f"# {HOME}: {name}", *sections]
    return "\n\n".join(parts) + "\n"


def learned_from(about: Mapping[str, Any], kind: str, called: str, what: str) -> str:
    """A table of the corpora that a checkpoint has learned from, with licences and digests.

    Args:
        called: what a corpus is, at the head of its column; ``what`` the digests are of.
    """
    known = Catalogue.load(kind=kind)
    corpora: Mapping[str, Mapping[str, str]] = about.get("corpora", {})
    rows = [(called, "licence", "source", f"SHA-256 of {what}")]
    rows += [
        (each, known[each].licence, known[each].citation, f"`{digests.get('train', '')[:16]}`")
        for each, digests in corpora.items() if each in known
    ]  # fmt: skip
    return table(rows)


def of_pieces(config: Mapping[str, Any]) -> list[str]:
    """Lines of a list that say whose pieces stand beside the word vectors; none where none do."""
    pieces = config["vectors"].get("pieces")
    if pieces is None:
        return []
    return [
        "- Beside a word's own vector stand those of the pieces that a pretrained encoder cuts it "
        f"into ({pieces['source'] or 'of unknown source'}). That encoder has read text that is not "
        "named here, perhaps that of corpora which this checkpoint is scored on, without their "
        "annotation; its licence holds for the vectors of its pieces."
    ]


def figures(results: Path | None, figure: Figure, introduction: str) -> str:
    """A sweep's figures as a table, or that there are none.

    Args:
        results: its ``report.json``.
        introduction: what the figures are, in front of the table.

    Raises:
        UserError: a file that is none.
    """
    if results is None:
        return "None were given when this card was made."
    try:
        stored = json.loads(results.read_text(encoding="utf-8"))
        rows = [
            (str(row["target"]), str(row["shots"] or "all"), str(row["method"]),
             _spread(row[figure.key], figure.digits))
            for row in stored["rows"] if row[figure.key] is not None
        ]  # fmt: skip
    except OSError as problem:
        raise at(results, None, f"cannot be read ({problem.strerror})", "check the path") from None
    except (ValueError, LookupError, TypeError):
        cure = "give a sweep's report.json"
        raise at(results, None, "holds no rows of figures", cure) from None
    return f"{introduction}\n\n" + table([("target", "shots", "method", figure.label), *rows])


def digests(config: Mapping[str, Any]) -> str:
    """The section of a card that has the digest of every file."""
    return "## Files\n\nSHA-256 of what the package checks when it loads the checkpoint:\n\n" + (
        "\n".join(f"- `{file}`: `{digest}`" for file, digest in config["sha256"].items())
    )


def table(rows: Sequence[Sequence[str]]) -> str:
    """In Markdown; the first row is the head."""
    body = [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
    return "\n".join([body[0], "|---" * len(rows[0]) + "|", *body[1:]])


def _spread(found: Mapping[str, Any], digits: int) -> str:
    half = "" if found["ci95"] is None else f" ± {float(found['ci95']):.{digits}f}"
    return f"{float(found['mean']):.{digits}f}{half}"
