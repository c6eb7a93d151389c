"""Episodes in the manner of a learn2learn ``Taskset``.

learn2learn's own scripts ask a taskset for tasks with ``sample()``, an index or a loop. This one
answers in the same way with episodes of a task distribution; learn2learn itself is not needed for
it.

    tasks = EpisodeTaskset(EncodedEpisodes(distribution, table), num_tasks=1000)
    maml = learn2learn.load().algorithms.MAML(tagger, lr=0.1)
    for _ in range(outer_steps):
        episode = tasks.sample()
        clone = maml.clone()
        clone.adapt(clone(episode.support))
        clone(episode.query).backward()
        ...

docs/learn2learn.md has the whole script.
"""

from __future__ import annotations

from collections.abc import Iterator

from fewshot_metalstm.meta.learner import Episode
from fewshot_metalstm.meta.pool import EpisodeSource

ENDLESS = -1


class EpisodeTaskset:
    """Episodes of ``source`` as a learn2learn user expects them.

    What learn2learn draws at random is numbered here: task i is episode 0 of outer step i, and
    ``sample()`` and a loop take one number after the other. The chance lies in the source, whose
    episodes are a function of its seed; so two tasksets over one source give the same tasks.

    Args:
        source: where episodes come from.
        num_tasks: how many there are; -1, as in learn2learn, for no end. A loop over a taskset
            with an end visits each task once; ``sample()`` begins again after the last.
    """

    def __init__(self, source: EpisodeSource, num_tasks: int = ENDLESS) -> None:
        if num_tasks < 1 and num_tasks != ENDLESS:
            raise ValueError(f"num_tasks is {num_tasks}; use at least 1, or -1 for no end")
        self.source = source
        self.num_tasks = num_tasks
        self._next = 0

    def __len__(self) -> int:
        """Number of tasks; 1 where there is no end, as learn2learn has it."""
        return 1 if self.num_tasks == ENDLESS else self.num_tasks

    def __getitem__(self, number: int) -> Episode:
        """Task ``number``. Raises ``IndexError`` behind the last."""
        if number < 0 or (self.num_tasks != ENDLESS and number >= self.num_tasks):
            raise IndexError(f"task {number} of {self.num_tasks}")
        return self.source.episode(number, 0)

    def __iter__(self) -> Iterator[Episode]:
        """Every task once, from the first."""
        number = 0
        while self.num_tasks == ENDLESS or number < self.num_tasks:
            yield self[number]
            number += 1

    def sample(self) -> Episode:
        """The next task."""
        task = self[self._next]
        self._next += 1
        if self._next == self.num_tasks:
            self._next = 0
        return task
