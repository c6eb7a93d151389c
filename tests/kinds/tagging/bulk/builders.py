"""Input files made by hand, and a tagger that marks every word with a capital."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from fewshot_metalstm.kinds.tagging.bulk.tagging import FileJob, TagSettings

SETTINGS = TagSettings({"model.safetensors": "a"}, "file", False, "1")


def article(pmid: str, title: str, *abstract: str) -> str:
    """One article; title and abstract are XML."""
    parts = "".join(f'<AbstractText Label="L">{part}</AbstractText>' for part in abstract)
    inner = f"<Abstract>{parts}</Abstract>" if abstract else ""
    return (
        f'<PubmedArticle>\n<MedlineCitation Status="MEDLINE"><PMID Version="1">{pmid}</PMID>'
        f"<Article><ArticleTitle>{title}</ArticleTitle>{inner}</Article></MedlineCitation>"
        f'<PubmedData><ReferenceList><Reference><ArticleIdList><ArticleId IdType="pubmed">1'
        f"</ArticleId></ArticleIdList></Reference></ReferenceList></PubmedData></PubmedArticle>\n"
    )


def pubmed(*articles: str, head: str = "") -> bytes:
    """A PubMed file."""
    start = '<?xml version="1.0" encoding="utf-8"?>\n'
    return f"{start}{head}<PubmedArticleSet>\n{''.join(articles)}</PubmedArticleSet>\n".encode()


def plain(text: str) -> str:
    """Text as XML."""
    return escape(text)


def capitals(sentences: list[list[str]]) -> Sequence[Sequence[str]]:
    """A single-token mention for each word that begins with a capital."""
    return [["S-Cap" if word[0].isupper() else "O" for word in words] for words in sentences]


def job(path: Path, kind: str, output: Path, suffix: str = ".jsonl") -> FileJob:
    """A job with its outputs below ``output``."""
    return FileJob(
        path, kind, output / f"o{suffix}", output / "bad" / "o.jsonl", output / "done" / "o.json"
    )
