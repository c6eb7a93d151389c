"""How much of a support a head finds that was tuned on the rest of it, the tagger below it fixed.

Source heads may fit a new type badly although the states below them tell it well: a few steps then
find it, and it would be a loss to begin anew. So thirds of the support are left out in turn, a head
is tuned on the other two from the start's own, on states that are computed once, and tags the
third. Alain and Bengio, "Understanding intermediate layers using linear classifier probes", 2016.
It takes a second where an adaptation takes ten.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.tagger.encoding import WordTable
from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger
from fewshot_metalstm.kinds.tagging.tagger.scoring import f1, mention_counts
from fewshot_metalstm.nn.crf import negative_log_likelihood, viterbi
from fewshot_metalstm.nn.noise import dropout
from fewshot_metalstm.seeds import torch_generator

FOLDS, STEPS, RATE, NOISE = 3, 40, 0.01, 0.3
MOST = 300  # sentences; of a larger support the first


def probed(
    learner: Tagger, table: WordTable, support: Sequence[Sentence], types: Sequence[str]
) -> float:
    """F1, 0 to 1, over all left-out thirds; 0 of a support too small to leave any out."""
    # Sentences with a mention go round the folds first, then the others.
    chosen = sorted(support[:MOST], key=lambda sentence: all(t == "O" for t in sentence.tags))
    if len(chosen) < FOLDS:
        return 0.0
    batch = table.batch(table.encode(chosen, types)).to(next(learner.parameters()).device)
    start = learner.initial(batch)
    head = {name: start[name].detach() for name in learner.head()}
    with torch.no_grad():
        hidden = learner.hidden(batch)
    counts = [0, 0, 0]
    for fold in range(FOLDS):
        own = torch.arange(len(chosen), device=hidden.device) % FOLDS != fold
        tuned = _tuned(head, hidden[own], batch.tags[own], batch.lengths[own], fold)
        with torch.no_grad():
            scores = _scores(tuned, hidden[~own])
            paths = viterbi(scores, tuned["head_transitions"], batch.lengths[~own])
        rows = zip(batch.tags[~own].tolist(), paths, strict=True)
        gold = [tags[: len(path)] for tags, path in rows]
        for place, number in enumerate(mention_counts(gold, paths)):
            counts[place] += number
    return f1(*counts) / 100


def _tuned(
    head: dict[str, Tensor], hidden: Tensor, tags: Tensor, lengths: Tensor, fold: int
) -> dict[str, Tensor]:
    """A head after some steps of Adam on fixed states, (B, T, 2 * hidden)."""
    noise = torch_generator(0, "probe", fold)
    longest = int(lengths.max())
    hidden, tags = hidden[:, :longest], tags[:, :longest]
    tuned = {name: value.clone().requires_grad_() for name, value in head.items()}
    optimiser = torch.optim.Adam(tuned.values(), lr=RATE)
    for _ in range(STEPS):
        scores = _scores(tuned, dropout(hidden, NOISE, noise))
        loss = negative_log_likelihood(scores, tuned["head_transitions"], tags, lengths).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return {name: value.detach() for name, value in tuned.items()}


def _scores(head: dict[str, Tensor], hidden: Tensor) -> Tensor:
    """See :meth:`TaggerNetwork.scores`, with the head's parameters given."""
    weight = torch.cat([head["head_outside"], head["head_type"].flatten(0, 1)])
    bias = torch.cat([head["head_outside_bias"], head["head_type_bias"].flatten()])
    return torch.nn.functional.linear(hidden, weight, bias)
