"""Bulk tagging: records a second with one worker and two, and what that means for PubMed.

Records look like PubMed's (a title and an abstract of some 220 tokens) and are made of the embedded
corpora's sentences, so that no data are needed. The tagger has the default sizes and fresh weights,
which take as long as trained ones. Real text has more distinct words than this. Before any timing
the outputs of one worker and of two must be equal.
Run: python -m benchmarks.bench_bulk [--records N] [--rounds N] [--runner pool|ray]
"""

from __future__ import annotations

import argparse
import gzip
import os
import statistics
import tempfile
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np

from benchmarks import timing
from fewshot_metalstm.jobs.outcome import Runner
from fewshot_metalstm.jobs.pool import PoolRunner
from fewshot_metalstm.kinds.tagging.bulk.ray_data import RayDataRunner
from fewshot_metalstm.kinds.tagging.bulk.run import (
    BulkReport,
    TagSetup,
    find_inputs,
    plan_files,
    tag_files,
)
from fewshot_metalstm.kinds.tagging.bulk.tagging import TagSettings
from fewshot_metalstm.kinds.tagging.corpora.demo import demo_corpora
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, TaggerModel, new_tagger, save_model
from fewshot_metalstm.kinds.tagging.tagger.network import TaggerConfig
from fewshot_metalstm.nn.pretrain import VectorsConfig
from fewshot_metalstm.nn.vectors import Subwords, WordVectors
from fewshot_metalstm.seeds import numpy_generator

PUBMED = 36_000_000
WORKERS = (1, 2)
FILES = 8
TOKENS = 220  # of an abstract


def sentences() -> Iterator[tuple[str, ...]]:
    """The embedded sentences in an order of chance, again and again."""
    every = [
        s.tokens for c in demo_corpora().values() for split in c.splits.values() for s in split
    ]
    for turn in count():
        for i in numpy_generator(0, "bulk", turn).permutation(len(every)):
            yield every[i]


def write_inputs(folder: Path, records: int) -> int:
    """PubMed files of ``records`` articles in all; returns their tokens."""
    folder.mkdir()
    source = sentences()
    tokens = 0
    for number in range(FILES):
        articles = []
        for pmid in range(number, records, FILES):
            title = next(source)
            abstract: list[str] = []
            while len(abstract) < TOKENS:
                abstract += next(source)
            tokens += len(title) + len(abstract)
            text = escape(" ".join(abstract))
            articles.append(
                f"<PubmedArticle><MedlineCitation><PMID>{pmid + 1}</PMID><Article><ArticleTitle>"
                f"{escape(' '.join(title))}</ArticleTitle><Abstract><AbstractText>{text}"
                "</AbstractText></Abstract></Article></MedlineCitation></PubmedArticle>\n"
            )
        data = f"<PubmedArticleSet>\n{''.join(articles)}</PubmedArticleSet>\n".encode()
        (folder / f"pubmed{number}.xml.gz").write_bytes(gzip.compress(data, mtime=0))
    return tokens


def write_tagger(folder: Path) -> None:
    """A tagger of the default sizes that knows half of the words."""
    words = sorted({w for tokens in islice(sentences(), 2000) for w in tokens})[::2]
    rng, config = np.random.default_rng(0), VectorsConfig()
    matrix = rng.normal(size=(len(words), config.size)).astype(np.float16)
    buckets = rng.normal(size=(config.buckets, config.size)).astype(np.float16)
    vectors = WordVectors(
        tuple(words), matrix, Subwords(buckets, config.min_n, config.max_n), "random"
    )
    alphabet = tuple(sorted({c for w in words for c in w}))
    learner = new_tagger(TaggerConfig(), vectors, alphabet, 0, 1)
    save_model(TaggerModel(learner, vectors, alphabet, ("Species",), TAGGER), folder)


def run(folder: Path, output: Path, runner: Runner) -> BulkReport:
    """Tag all files into a new folder."""
    jobs = plan_files(find_inputs([folder / "in"], None)[0], None, output)
    setup = TagSetup(folder / "tagger", TagSettings({}, "file", False, "bench"))
    report = tag_files(jobs, setup, runner, output, retries=0)
    if report.failed:
        raise SystemExit(f"{report.failed[0][0]}: {report.failed[0][1].reason}")
    return report


def figures(report: BulkReport, workers: int) -> dict[str, float]:
    """Records a second over all, and of a worker at its typical file times the workers."""
    typical = statistics.median(file.documents / file.seconds for file in report.files)
    return {"whole": report.rate, "steady": workers * typical}


def main() -> None:
    """Measure, print and write ``results/bulk.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=2400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runner", choices=("pool", "ray"), default="pool")
    options = parser.parse_args()
    make = RayDataRunner if options.runner == "ray" else PoolRunner
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    rates: dict[int, list[dict[str, float]]] = {workers: [] for workers in WORKERS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tokens = write_inputs(folder / "in", options.records)
        write_tagger(folder / "tagger")
        for turn in range(options.rounds):
            outputs = []
            for workers in WORKERS if turn % 2 == 0 else WORKERS[::-1]:
                output = folder / f"{turn}-{workers}"
                report = run(folder, output, make(workers))
                rates[workers].append(figures(report, workers))
                outputs.append([path.read_bytes() for path in sorted(output.glob("*.gz"))])
            if outputs[0] != outputs[1]:
                raise SystemExit("one worker and two give different outputs")
    result: dict[str, Any] = {
        "records": options.records, "tokens": tokens, "files": FILES, "rounds": options.rounds,
        "runner": options.runner, "machine": timing.machine("torch", "numpy", "numba", "ray"),
    }  # fmt: skip
    rows = []
    for workers, each in rates.items():
        whole, steady = (statistics.median(r[k] for r in each) for k in ("whole", "steady"))
        low, high = min(r["steady"] for r in each), max(r["steady"] for r in each)
        days = PUBMED / steady / 86_400
        result[f"workers_{workers}"] = {
            "records_per_second": steady, "range": [low, high],
            "records_per_second_with_start": whole, "days_for_36_million": days,
        }  # fmt: skip
        rows.append([
            str(workers), f"{steady:.0f} ({low:.0f} to {high:.0f})", f"{whole:.0f}",
            f"{steady * tokens / options.records:.0f}", f"{days:.1f}",
        ])  # fmt: skip
    gain = (
        result["workers_2"]["records_per_second"] / result["workers_1"]["records_per_second"]
    )  # fmt: skip
    result["two_over_one"] = gain
    timing.show(
        f"Bulk tagging, {options.records} synthetic records of {tokens / options.records:.0f} "
        f"tokens, {options.runner}; two workers give {gain:.2f} times one",
        ["workers", "records/s (range)", "with start", "tokens/s", "days for 36 million"], rows,
    )  # fmt: skip
    timing.save("bulk" if options.runner == "pool" else "bulk_ray", result)


if __name__ == "__main__":
    main()
