"""MAML through ``higher``: the outer gradient runs through every inner update.

Source: Finn, Abbeel, Levine, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks",
ICML 2017, algorithm 1; Grefenstette et al., "Generalized Inner Loop Meta-Learning", 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from fewshot_metalstm.meta.algorithm import InnerConfig, Outcome, clipper
from fewshot_metalstm.meta.learner import Episode, Learner


@dataclass(frozen=True)
class MAML:
    """Second-order MAML; ``order=1`` cuts the graph at every inner gradient."""

    inner: InnerConfig = field(default_factory=InnerConfig)
    order: int = 2

    def outcome(self, learner: Learner, episode: Episode, generator: torch.Generator) -> Outcome:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`."""
        import higher  # only meta-training with MAML needs it

        start = learner.initial(episode.support)
        with torch.no_grad():
            before = float(learner.loss(start, episode.query))
        names = [name for name, _ in learner.named_parameters()]
        adapted = set(learner.adapted())
        tuned = [p for name, p in learner.named_parameters() if name in adapted]
        # higher's default, copy_initial_weights=True, would cut the graph to the initial weights.
        fast = higher.monkeypatch(learner, copy_initial_weights=False, track_higher_grads=True)
        fast.update_params([start[name] for name in names])
        optimiser = higher.get_diff_optim(
            torch.optim.SGD(tuned, lr=self.inner.lr), learner.parameters(), fmodel=fast,
            track_higher_grads=True,
        )  # fmt: skip
        norms: list[float] = []
        clip = clipper(self.inner.clip, norms)

        def on_gradients(gradients: Sequence[Tensor | None]) -> list[Tensor | None]:
            # Only what is adapted counts for the norm; higher ignores the gradients of the rest,
            # and hands over None where a parameter does not touch the loss.
            result = list(gradients)
            places = [i for i, g in enumerate(gradients) if names[i] in adapted and g is not None]
            chosen = [gradients[i] for i in places]
            clipped = clip(g.detach() if self.order == 1 else g for g in chosen if g is not None)
            for place, gradient in zip(places, clipped, strict=True):
                result[place] = gradient
            return result

        first = float("nan")
        noise = generator if self.inner.noise else None
        for step in range(self.inner.steps):
            loss = fast(episode.support, noise)
            first = float(loss.detach()) if step == 0 else first
            optimiser.step(loss, grad_callback=on_gradients)
        query = fast(episode.query)
        gradient = torch.autograd.grad(query, list(learner.parameters()), materialize_grads=True)
        mean = sum(norms) / max(len(norms), 1)
        end = {n: p.detach() for n, p in zip(names, fast.parameters(), strict=True)}
        return Outcome(list(gradient), first, before, float(query.detach()), mean, end)
