"""Flair's SequenceTagger, a BiLSTM-CRF on word embeddings alone: trains, and tags a file."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.peers.serving import serve

numpy: Any = import_module("numpy")
torch: Any = import_module("torch")
flair: Any = import_module("flair")
data: Any = import_module("flair.data")

BATCH = 128  # sentences; the fastest of 32 (Flair's default), 128 and 512


class Peer:
    """One tagger, once trained."""

    def __init__(self) -> None:
        torch.set_num_threads(1)
        flair.device = torch.device("cpu")
        flair.set_seed(0)
        self.tagger: Any = None
        self.splitter = import_module("flair.splitter").SegtokSentenceSplitter()

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Do what ``request["do"]`` names."""
        result: Mapping[str, Any] = getattr(self, request["do"])(request)
        return result

    def train(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Train on ``sentences`` (tokens and IOBES tags) for ``epochs``, as Flair's tutorial does.

        ``vectors`` is an .npz file with ``words`` and ``matrix``; ``hidden`` the LSTM's size.
        """
        stored = numpy.load(request["vectors"], allow_pickle=False)
        words = [str(word) for word in stored["words"]]
        embeddings = import_module("flair.embeddings").WordEmbeddings(
            None,
            vocab={word: row for row, word in enumerate(words)},
            embedding_length=stored["matrix"].shape[1],
            name="given",
        )
        with torch.no_grad():
            embeddings.embedding.weight[: len(words)] = torch.from_numpy(stored["matrix"])
        given = [_sentence(tokens, tags) for tokens, tags in request["sentences"]]
        dataset = import_module("flair.datasets").FlairDatapointDataset(given)
        corpus = data.Corpus(train=dataset, dev=dataset, test=dataset)
        self.tagger = import_module("flair.models").SequenceTagger(
            embeddings,
            corpus.make_label_dictionary("ner"),
            "ner",
            hidden_size=request["hidden"],
            tag_format="BIOES",
        )
        with tempfile.TemporaryDirectory() as folder:
            trainer = import_module("flair.trainers").ModelTrainer(self.tagger, corpus)
            trainer.train(
                folder,
                learning_rate=0.1,
                mini_batch_size=10,
                max_epochs=request["epochs"],
                save_final_model=False,
            )
        return {"version": flair.__version__}

    def tag(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Tag ``text``, write a mention a line to ``output``.

        With ``split`` a line is a paragraph that Flair's splitter cuts into sentences, as its
        documentation shows; without it a line is a sentence already.
        """
        found, bases = [], []
        base = 0
        for line in Path(request["text"]).read_text(encoding="utf-8").split("\n"):
            if not line.strip():
                pass
            elif request["split"]:
                of_line = self.splitter.split(line)
                found += of_line
                bases += [base + sentence.start_position for sentence in of_line]
            else:
                found.append(data.Sentence(line))
                bases.append(base)
            base += len(line) + 1
        self.tagger.predict(found, mini_batch_size=BATCH)
        count = 0
        with Path(request["output"]).open("w", encoding="utf-8") as output:
            for sentence, start in zip(found, bases, strict=True):
                for span in sentence.get_spans("ner"):
                    bounds = f"{start + span.start_position}\t{start + span.end_position}"
                    output.write(f"{bounds}\t{span.get_label('ner').value}\t{span.text}\n")
                    count += 1
        return {"mentions": count}


def _sentence(tokens: list[str], tags: list[str]) -> Any:
    sentence = data.Sentence(tokens)
    start = 0
    for place, tag in enumerate(tags):
        if tag[0] in "BS":
            start = place
        if tag[0] in "ES":
            sentence[start : place + 1].add_label("ner", tag[2:])
    return sentence


if __name__ == "__main__":
    serve(Peer().answer)
