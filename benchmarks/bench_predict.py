"""Tagging raw text, words a second, beside spaCy and Flair: ``python -m benchmarks.bench_predict``.

All are trained on the same 50-shot support (draw 0 of linnaeus, or of the synthetic target where
linnaeus is not at hand), and tag the same text in one process of one thread each: read the file,
split it, tag it, write a mention a line with its offsets. A word is what stands between blanks.

- spaCy: a blank English pipeline with NER as `spacy init config --pipeline ner` makes it, trained
  by `spacy train`.
- Flair: SequenceTagger, a BiLSTM-CRF of our hidden size on word embeddings alone (our vectors).
  It cuts paragraphs into sentences by its SegtokSentenceSplitter, as its documentation shows; a
  second row gives it a sentence a line, which spares it that.

The speed of a tagger does not depend on how well it tags, so the peers train a few minutes at
most. A second table shows the peak memory of `fewshot-metalstm predict` on 1 and 10 MB of text and,
with `--large`, on 100 MB.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import peer, timing
from benchmarks.material import PARAGRAPH, Material, material, write_text
from fewshot_metalstm.kinds.tagging.tagger.model import load_model

SPACY_GOAL, FLAIR_GOAL = 1.5, 5.0
SPACY_STEPS, FLAIR_EPOCHS = 400, 30
SENTENCES = 2000
OURS, SPACY = "fewshot-metalstm predict", "spaCy, blank English NER"
FLAIR, FLAIR_SPLIT = "Flair, raw text", "Flair, a sentence a line"
MEGABYTE = 10**6


def main() -> None:
    """Measure, print and write ``results/predict.json``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--checkpoint", type=Path, help="a meta-trained one; else a stand-in")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sentences", type=int, default=SENTENCES, help="of the text to tag")
    parser.add_argument("--large", action="store_true", help="peak memory at 100 MB as well")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given = material(arguments.checkpoint, folder)
        tagger = adapt(given, folder / "adapted")
        result = {**timing.machine("torch", "numpy", "numba"), **given.describe()}
        result |= speed(given, tagger, folder, arguments.sentences, arguments.rounds)
        sizes = [1, 10, *([100] if arguments.large else [])]
        result["streaming"] = streaming(given, tagger, folder, sizes)
    timing.save("predict", result)


def adapt(given: Material, output: Path) -> Path:
    """The tagger that `adapt` saves for the support of draw 0."""
    command = [
        sys.executable, "-m", "fewshot_metalstm", "adapt", "--target", given.target.name,
        "--checkpoint", str(given.checkpoint), "--output", str(output), "--no-score",
        "--no-tracking", "--quiet", "--json",
    ]  # fmt: skip
    subprocess.run(command, check=True, env=peer.environment(), stdout=subprocess.DEVNULL)
    return output / "tagger"


def speed(
    given: Material, tagger: Path, folder: Path, sentences: int, rounds: int
) -> dict[str, Any]:
    """Words a second of all that are here, and the table."""
    tokens = [s.tokens for s in given.target.split("test")[:sentences]]
    text, by_line = folder / "text.txt", folder / "sentences.txt"
    words = write_text(tokens, text, PARAGRAPH)
    write_text(tokens, by_line)
    with ExitStack() as stack:

        def server(python: str | Path, module: str) -> peer.Server:
            log = folder / f"{module}.log"
            return stack.enter_context(peer.Server(python, ["-m", f"benchmarks.{module}"], log))

        own = server(sys.executable, "own_tagger")
        own.ask("load", path=str(tagger))
        asked: dict[str, tuple[peer.Server, dict[str, Any]]] = {OURS: (own, {"text": str(text)})}
        versions: dict[str, str] = {}
        python = peer.interpreter()
        if python is None:
            print(peer.ABSENT)
        else:
            spacy = server(python, "peers.spacy_ner")
            versions["spacy"] = train_spacy(given, python, spacy, folder)
            flair = server(python, "peers.flair_tagger")
            versions["flair"] = train_flair(given, flair, folder)
            asked[SPACY] = (spacy, {"text": str(text)})
            asked[FLAIR] = (flair, {"text": str(text), "split": True})
            asked[FLAIR_SPLIT] = (flair, {"text": str(by_line), "split": False})
        mentions: dict[str, int] = {}
        for name, (which, request) in asked.items():
            request["output"] = str(folder / "found.tsv")
            mentions[name] = which.ask("tag", **request)["mentions"]
            check_offsets(Path(request["text"]), Path(request["output"]), mentions[name])
        forms: dict[str, timing.Form] = {
            name: partial(which.ask, "tag", **request) for name, (which, request) in asked.items()
        }
        times = timing.interleaved(forms, rounds, warmup=1)
    return report(times, words, mentions, versions)


def train_spacy(given: Material, python: Path, server: peer.Server, folder: Path) -> str:
    """Train spaCy's pipeline and load it; its version."""
    data, config, output = folder / "support.spacy", folder / "config.cfg", folder / "spacy"
    sentences = [(s.tokens, s.tags) for s in given.sentences()]
    server.ask("write_docs", sentences=sentences, path=str(data))
    init = ["init", "config", str(config), "--lang", "en", "--pipeline", "ner"]
    train = [
        "train", str(config), "--paths.train", str(data), "--paths.dev", str(data),
        "--output", str(output), "--training.max_steps", str(SPACY_STEPS),
    ]  # fmt: skip
    for command in (init, train):
        subprocess.run(
            [str(python), "-m", "spacy", *command], check=True, env=peer.environment(),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    return str(server.ask("load", path=str(output / "model-best"))["version"])


def train_flair(given: Material, server: peer.Server, folder: Path) -> str:
    """Train Flair's tagger; its version."""
    model = load_model(given.checkpoint)
    vectors = folder / "vectors.npz"
    matrix = np.asarray(model.vectors.matrix[:], np.float32)
    np.savez(vectors, words=np.array(model.vectors.words), matrix=matrix)
    sentences = [(s.tokens, s.tags) for s in given.sentences()]
    hidden = model.learner.config.lstm.hidden
    answer = server.ask(
        "train", sentences=sentences, vectors=str(vectors), hidden=hidden, epochs=FLAIR_EPOCHS
    )
    return str(answer["version"])


def check_offsets(text: Path, found: Path, mentions: int) -> None:
    """Every mention is what stands at its offsets; :class:`AssertionError` else."""
    content = text.read_text(encoding="utf-8")
    rows = [line.split("\t")[-4:] for line in found.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == mentions
    for start, end, _, mention in rows:
        assert content[int(start) : int(end)] == mention, (start, end, mention)


def report(
    times: dict[str, list[float]], words: int, mentions: dict[str, int], versions: dict[str, str]
) -> dict[str, Any]:
    """Print the table and give the figures."""
    goals = {SPACY: SPACY_GOAL, FLAIR: FLAIR_GOAL, FLAIR_SPLIT: FLAIR_GOAL}
    rows, result = [], {}
    for name, values in times.items():
        spread = timing.spread(values)
        low, high = spread["quartiles_ms"]
        rate, slow, fast = (1000 * words / ms for ms in (spread["median_ms"], high, low))
        line = {"words_a_second": round(rate), "mentions": mentions[name], **spread}
        beside = ""
        if name in goals:
            line |= {"ours_is_faster_by": timing.ratio(times, name, OURS), "goal": goals[name]}
            beside = timing.verdict(line["ours_is_faster_by"], goals[name])
        result[name] = line
        rows.append(
            (name, f"{rate:,.0f}", f"{slow:,.0f} - {fast:,.0f}", str(mentions[name]), beside)
        )
    timing.show(
        f"raw text to mentions, {words:,} words, one process of one thread "
        f"({', '.join(f'{k} {v}' for k, v in versions.items()) or 'no peers'})",
        ("tagger", "words/s", "quartiles", "mentions", "ours is faster by"),
        rows,
    )
    return {"words": words, "rounds": len(times[OURS]), "peers": versions, "speed": result}


def streaming(
    given: Material, tagger: Path, folder: Path, sizes: list[int]
) -> list[dict[str, Any]]:
    """Peak memory of the command on texts of some sizes in MB, and the table."""
    unit = folder / "unit.txt"
    write_text([s.tokens for s in given.target.split("test")], unit, PARAGRAPH)
    content = unit.read_text(encoding="utf-8")
    rows, results = [], []
    for size in sizes:
        text = folder / f"{size}.txt"
        with text.open("w", encoding="utf-8") as stream:
            written = number = 0
            while written < size * MEGABYTE:
                # New words in every copy, as new text has them.
                written += stream.write(content.replace(" the ", f" the{number} "))
                number += 1
        seconds, peak = peak_memory(
            [sys.executable, "-m", "fewshot_metalstm", "predict", str(tagger), str(text)]
        )
        actual = text.stat().st_size / MEGABYTE
        text.unlink()
        results.append({"megabytes": actual, "seconds": seconds, "peak_mib": peak})
        rows.append((f"{actual:.0f} MB", f"{seconds:.1f} s", f"{peak:.0f} MiB"))
    timing.show("predict, peak memory of the process", ("text", "time", "peak"), rows)
    return results


def peak_memory(command: list[str]) -> tuple[float, float]:
    """Seconds and peak resident memory in MiB of a command that runs alone."""
    code = (
        "import json, resource, subprocess, sys, time; start = time.perf_counter();"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL);"
        "print(json.dumps([time.perf_counter() - start,"
        " resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, *command], check=True, env=peer.environment(),
        capture_output=True, text=True,
    )  # fmt: skip
    seconds, peak = json.loads(run.stdout)
    return float(seconds), float(peak) / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    main()
