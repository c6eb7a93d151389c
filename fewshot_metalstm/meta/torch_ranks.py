"""Ranks that speak through ``torch.distributed``, and what they do when one of them is gone.

All is said through gloo, where a closed connection ends every wait at once; gradients on GPUs go
through NCCL. A store of keys beside the connections outlives them: there a rank that has lost
another says that it lives itself, and rank 0 that it is done.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.machine import pick_device
from fewshot_metalstm.meta.ranks import EndedElsewhere, Order, RankLost, Ranks, mean_in_order

T = TypeVar("T")

# A connection that closes ends every wait at once. These are for a peer that is silent but open:
# a step's exchange, where no rank is ever far behind the others, and an order of rank 0, which
# may train word vectors and heads for hours before it gives one.
EXCHANGE = timedelta(minutes=10)
ORDERS = timedelta(days=2)
SIGN_SECONDS = 3.0  # in which a living rank says that it lives, when the connection has closed
LEAVE_SECONDS = 10.0  # for which a rank that is done waits for the others


class TorchRanks(Ranks):
    """The ranks of a run that ``torchrun`` started, or whatever else sets its environment.

    Raises :class:`UserError` if they do not find each other.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._broken = False
        self._lost: list[int] = []
        self._local_rank = int(environment.get("LOCAL_RANK", "0"))
        self.local = int(environment.get("LOCAL_WORLD_SIZE", "1"))
        try:
            # Its own store beside that of the process groups: it outlives them.
            store, self.rank, self.size = next(rendezvous("env://"))
            self._store = PrefixStore("ranks", store)
            dist.init_process_group(
                "gloo", store=PrefixStore("groups", store), rank=self.rank,
                world_size=self.size, timeout=EXCHANGE,
            )  # fmt: skip
            self._orders = dist.new_group(backend="gloo", timeout=ORDERS)
        except (RuntimeError, ValueError) as problem:
            raise UserError(
                f"RANK and WORLD_SIZE are set, but the ranks do not find each other "
                f"({str(problem).splitlines()[0]}); start all of them with torchrun, or unset both"
            ) from problem
        self._wide = dist.group.WORLD  # for gradients
        self.names = self.share(lambda: f"{socket.gethostname()}, process {os.getpid()}")

    def order(self, order: Order) -> None:
        """See :meth:`Ranks.order`."""
        if self.first:
            self._call(dist.broadcast, torch.tensor([int(order)]), 0, group=self._orders)

    def hear(self) -> Order:
        """See :meth:`Ranks.hear`."""
        word = torch.tensor([0])
        self._call(dist.broadcast, word, 0, group=self._orders)
        return Order(int(word))

    def give(self, value: object) -> None:
        """See :meth:`Ranks.give`."""
        self.order(Order.TAKE)
        self._call(dist.broadcast_object_list, [value], 0)

    def take(self) -> Any:
        """See :meth:`Ranks.take`."""
        order = self.hear()
        if order is not Order.TAKE:
            raise RuntimeError(f"rank 0 gives nothing, it orders {order.name}")
        box: list[Any] = [None]
        self._call(dist.broadcast_object_list, box, 0)
        return box[0]

    def share(self, work: Callable[[], T]) -> list[T]:
        """See :meth:`Ranks.share`."""
        result: T | None = None
        problem: Exception | None = None
        said: str | None = None
        try:
            result = work()
        except Exception as caught:
            problem = caught
            mendable = isinstance(caught, UserError)
            said = str(caught) if mendable else f"failed: {type(caught).__name__}: {caught}"
        answers: list[Any] = [None] * self.size
        own = (result, said, isinstance(problem, UserError))
        self._call(dist.all_gather_object, answers, own)
        bad = [rank for rank, (_, text, _) in enumerate(answers) if text is not None]
        if not bad:
            return [value for value, _, _ in answers]
        if problem is not None and (self.first or not isinstance(problem, UserError)):
            raise problem
        if self.first:
            _, text, mendable = answers[bad[0]]
            kind = UserError if mendable else RankLost
            raise kind(f"rank {bad[0]} ({self.names[bad[0]]}): {text}")
        raise EndedElsewhere(1)

    def same(self, facts: Mapping[str, str]) -> None:
        """See :meth:`Ranks.same`."""
        everyone = self.share(lambda: dict(facts))
        for rank, theirs in enumerate(everyone):
            for name in sorted({*everyone[0], *theirs}):
                ours, other = (f.get(name, "none") for f in (everyone[0], theirs))
                if ours != other:
                    if not self.first:
                        raise EndedElsewhere(1)
                    raise UserError(
                        f"rank {rank} ({self.names[rank]}) differs from rank 0 in {name}: {other}, "
                        f"not {ours}; give every host the same versions and the same data"
                    )

    def use(self, device: str) -> torch.device:
        """See :meth:`Ranks.use`. On GPUs each rank of a host has one of its own."""

        def own() -> torch.device:
            kind = pick_device(device)
            if kind.type != "cuda":
                return kind
            there = torch.cuda.device_count()
            if self._local_rank >= there:
                raise UserError(
                    f"{there} GPUs for {self.local} ranks; start one rank for each GPU "
                    f"(--nproc-per-node {there}) or use --device cpu"
                )
            return torch.device("cuda", self._local_rank)

        chosen = self.together(own)
        self.same({"device": chosen.type})
        if chosen.type == "cuda":
            torch.cuda.set_device(chosen)
            # Every exchange on GPUs comes right after one through gloo, where ranks wait for each
            # other and a lost one is met; NCCL would only notice it by this timeout.
            self._wide = dist.new_group(backend="nccl", timeout=EXCHANGE)
        return chosen

    def mean(self, rows: Tensor, kept: Sequence[int]) -> Tensor:
        """See :meth:`Ranks.mean`.

        An all-reduce in two halves. Rank ``r`` gets the ``r``-th part of every episode's gradient
        and takes its mean in the order of episodes, and the parts are gathered. A rank sends and
        receives (slots + 1) (size - 1) / size gradients, with one episode a rank as much as a ring
        all-reduce, whose order of addition would change with the number of ranks.
        """
        slots, length = rows.shape
        part = -(-length // self.size)
        padded = rows.new_zeros(slots, self.size * part)
        padded[:, :length] = rows
        sent = padded.view(slots, self.size, part).transpose(0, 1).contiguous()
        got = torch.empty_like(sent)  # (size, slots, part): of every rank its slots
        self._call(dist.all_to_all_single, got, sent, group=self._wide)
        episodes = got.transpose(0, 1).reshape(slots * self.size, part)
        whole = rows.new_empty(self.size, part)
        mean = mean_in_order(episodes, kept)
        self._call(dist.all_gather, list(whole), mean, group=self._wide)
        return whole.view(-1)[:length]

    def align(self, vector: Tensor) -> Tensor:
        """See :meth:`Ranks.align`."""
        vector = vector.clone()
        self._call(dist.broadcast, vector, 0, group=self._wide)
        return vector

    def leave(self, failed: bool) -> None:
        """End this rank's part. Rank 0 thereby ends the others (:class:`EndedElsewhere`)."""
        with suppress(RuntimeError):  # the store goes with the host that keeps it
            if self.first:
                self._store.set("over", str(int(failed)))
            elif failed and 0 not in self._lost:
                # The launcher ends every rank as soon as one has failed: rank 0 speaks first.
                self._await({"over"}, LEAVE_SECONDS)
            self._close()
            self._store.set(f"left/{self.rank}", "1")
            if self.first:
                others = {f"left/{r}" for r in range(1, self.size) if r not in self._lost}
                self._await(others, LEAVE_SECONDS)

    def _call(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> None:
        """A collective; if it fails, :class:`RankLost` on one rank that is left."""
        try:
            function(*arguments, **named)
        except RuntimeError as problem:
            raise self._loss() from problem

    def _loss(self) -> Exception:
        """What to raise when the connection has closed: who is there, who speaks."""
        self._close()  # so that no rank waits for this one any longer
        everyone = {f"seen/{rank}" for rank in range(self.size)}
        try:
            self._store.set(f"seen/{self.rank}", "1")
            absent = self._await(everyone, SIGN_SECONDS, unless="over")
            if not self.first and self._store.check(["over"]):
                return EndedElsewhere(int(self._store.get("over")))
        except RuntimeError:  # with rank 0 its store is gone
            absent = {"seen/0"}
        self._lost = [rank for rank in range(self.size) if f"seen/{rank}" in absent]
        there = [rank for rank in range(self.size) if rank not in self._lost]
        if self.rank != there[0]:
            return EndedElsewhere(1)
        if not self._lost:
            return RankLost("the connection between the ranks broke")
        names = "; ".join(f"rank {rank} ({self.names[rank]})" for rank in self._lost)
        hint = "" if self.first else "; start all ranks again with --resume"
        return RankLost(f"{names} ended or does not answer{hint}")

    def _await(self, keys: set[str], seconds: float, unless: str = "") -> set[str]:
        """Wait until the store has all ``keys``, or ``unless``; returns those that it lacks."""
        end = time.monotonic() + seconds
        absent = {key for key in keys if not self._store.check([key])}
        while absent and time.monotonic() < end and not (unless and self._store.check([unless])):
            time.sleep(0.05)
            absent = {key for key in absent if not self._store.check([key])}
        return absent

    def _close(self) -> None:
        if not self._broken:
            self._broken = True
            self._orders = self._wide = None  # a group closes its connections with its last owner
            dist.destroy_process_group()
