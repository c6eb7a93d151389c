"""What z does in a sentence: ``python -m benchmarks.z_over_time --tagger FOLDER --target NAME``.

Of the target's test split the first sentences of 12 to 24 tokens with two mentions or more are
drawn. Above, how far the generated weights at each word are from those at the mean z of the split's
first sentences (as ``fewshot-metalstm report`` measures it); below, the components of z that vary
most, less their mean, in units of their standard deviation over these sentences. What is tagged
stands in bold.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from fewshot_metalstm import runs
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.schemes import spans
from fewshot_metalstm.kinds.tagging.episodes.load import load_target
from fewshot_metalstm.kinds.tagging.tagger.confidence import read
from fewshot_metalstm.kinds.tagging.tagger.generated import Generated, generated, generates
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, load_model
from fewshot_metalstm.tracking.pictures import new_figure, save

LENGTHS, MENTIONS = range(12, 25), 2  # of the sentences that are drawn
COMPONENTS = 12  # of z that are drawn, of each direction


def main(arguments: Sequence[str]) -> int:
    """Read the options, draw; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tagger", type=Path, required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--sentences", type=int, default=2, help="to draw")
    parser.add_argument("--mean-of", type=int, default=1000, help="sentences, for the mean z")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True, help="a picture, .png or .svg")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        model = load_model(runs.model_folder(given.tagger, "tagger"), TAGGER)
        if not generates(model):
            raise UserError(f"{given.tagger}: has no Meta-LSTM; name a tagger that has one")
        test = load_target(given.target, data_dir=given.data_dir).split("test")[: given.mean_of]
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    sentences = [s for s in test if len(s)]
    tokens = [s.tokens for s in sentences]
    chosen = [
        i for i, s in enumerate(sentences)
        if len(s) in LENGTHS and len(spans(s.tags)) >= MENTIONS
    ][: given.sentences]  # fmt: skip
    tagged = read(model, [tokens[i] for i in chosen])
    marks = [
        {place for span in reading.mentions for place in range(span.start, span.end)}
        for reading in tagged
    ]
    draw(generated(model, tokens), tokens, chosen, marks, given.output)
    print(given.output)
    return 0


def draw(
    found: Generated, tokens: Sequence[Sequence[str]], chosen: Sequence[int],
    marks: Sequence[set[int]], path: Path,
) -> None:  # fmt: skip
    """Two panels a sentence, one sentence beside the other."""
    starts = np.cumsum([0, *(len(each) for each in tokens)])
    scaled = ((found.z - found.mean) / found.z.std(0)).numpy()  # (N, 2, rank)
    varied = found.z.std(0).argsort(dim=1, descending=True)[:, :COMPONENTS].numpy()
    widths = [len(tokens[i]) for i in chosen]
    figure = new_figure(width=1.5 + 0.27 * sum(widths), height=6.4)
    axes = figure.subplots(2, len(chosen), squeeze=False, width_ratios=widths, height_ratios=(1, 2))
    most = max(100 * float(found.moved[starts[i] : starts[i + 1]].max()) for i in chosen)
    for column, (i, own) in enumerate(zip(chosen, marks, strict=True)):
        rows = slice(starts[i], starts[i + 1])
        places = np.arange(widths[column])
        above, below = axes[:, column]
        colours = ["#d55e00" if place in own else "#0072b2" for place in places]
        above.bar(places, 100 * found.moved[rows].numpy(), color=colours)
        above.set_xlim(-0.5, widths[column] - 0.5)
        above.set_ylim(0, 1.08 * most)
        above.set_xticks([])
        above.grid(visible=True, axis="y", alpha=0.3)
        parts = [scaled[rows, d][:, varied[d]].T for d in (0, 1)]
        image = below.imshow(
            np.concatenate(parts), aspect="auto", cmap="RdBu_r", vmin=-3, vmax=3,
            interpolation="nearest",
        )  # fmt: skip
        below.axhline(COMPONENTS - 0.5, color="black", linewidth=1)
        below.set_xticks(places, tokens[i], rotation=90, fontsize=9)
        for place in own:
            below.get_xticklabels()[place].set_fontweight("bold")
        names = ["forward", "backward"] if column == 0 else []
        middles = [COMPONENTS / 2 - 0.5, 1.5 * COMPONENTS - 0.5]
        below.set_yticks(middles[: len(names)], names, rotation=90, va="center")
        if column == 0:
            above.set_ylabel("weights moved\n(% of their norm)")
            below.set_ylabel("components of z")
    bar = figure.colorbar(image, ax=axes[1, :].tolist(), pad=0.01, aspect=30)
    bar.set_label("less their mean, standard deviations")
    save(figure, "What the Meta-LSTM does, word by word (tagged words: orange, bold)", path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
