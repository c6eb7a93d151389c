"""Cut the English sentences of multi30k's train split into topics: tasks/topics/multi30k.json.

    python -m scripts.make_topics --data-dir DATA [--topics 24] [--seed 0]

Sentences are clustered by k-means of their TF-IDF vectors, reduced by latent semantic analysis to
as many numbers as there are topics. Words for people, clothes, colours and postures, which any
picture may have, are left out, so that a topic is what is done and where. It needs scikit-learn,
whose numbers may change with its version: the file is what counts, and was made once.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from fewshot_metalstm import declarations
from fewshot_metalstm.data.catalogue import Catalogue
from fewshot_metalstm.data.digests import sha256
from fewshot_metalstm.kinds.translation.pairs import CORPUS, KIND, read_side
from fewshot_metalstm.writing import write_text

ANYWHERE = (
    "man men woman women boy boys girl girls child children kid kids person people guy guys lady "
    "male female adult group crowd young old older little large small big white black red blue "
    "green yellow brown orange pink gray grey purple blond wearing dressed shirt hat jacket dress "
    "pants shorts looking look standing stands stand sitting sits sit holding holds walking walks "
    "walk background near outside outdoors inside front area"
)
LETTERS = "abcdefghijklmnopqrstuvwxyz"
LINE = 100  # sentences


def cluster(sentences: list[str], topics: int, seed: int) -> tuple[list[int], list[list[str]]]:
    """The topic of each sentence, and the words that tell each topic from the others."""
    from sklearn.cluster import KMeans
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer
    from sklearn.preprocessing import normalize

    left_out = [*ENGLISH_STOP_WORDS, *ANYWHERE.split()]
    maker = TfidfVectorizer(sublinear_tf=True, min_df=10, stop_words=left_out)
    found = maker.fit_transform(sentences)
    reduced = normalize(TruncatedSVD(topics, random_state=seed).fit_transform(found))
    labels = KMeans(topics, n_init=4, random_state=seed).fit(reduced).labels_
    names = np.array(maker.get_feature_names_out())
    whole = np.asarray(found.mean(0)).ravel()
    words = [
        names[np.argsort(whole - np.asarray(found[labels == topic].mean(0)).ravel())[:6]].tolist()
        for topic in range(topics)
    ]
    return labels.tolist(), words


def main() -> None:
    """Cluster and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--topics", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    entry = Catalogue.load(kind=KIND)[CORPUS]
    sentences = read_side(entry, "train.en", given.data_dir)
    labels, words = cluster(sentences, given.topics, given.seed)
    letters = "".join(LETTERS[label] for label in labels)
    record = {
        "format": 1,
        "corpus": CORPUS,
        "file": "train.en",
        "sentences": len(sentences),
        "sha256": sha256("\n".join(sentences).encode()),
        "made_by": f"python -m scripts.make_topics --topics {given.topics} --seed {given.seed}",
        "topics": {
            LETTERS[topic]: {
                "name": f"{CORPUS}-{own[0]}",
                "words": " ".join(own),
                "sentences": labels.count(topic),
            }
            for topic, own in enumerate(words)
        },
        "of_sentences": [letters[i : i + LINE] for i in range(0, len(letters), LINE)],
    }
    path = declarations.folder() / "topics" / f"{CORPUS}.json"
    write_text(json.dumps(record, indent=1) + "\n", path)


if __name__ == "__main__":
    main()
