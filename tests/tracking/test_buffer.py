"""Metrics on their way: order, batches, failures, the thread's end."""

from __future__ import annotations

import threading
import time

from fewshot_metalstm.tracking.buffer import MetricBuffer, Point


def wait_for(condition: threading.Event) -> None:
    assert condition.wait(10), "the writer did not wake up"


def test_everything_arrives_once_and_in_order() -> None:
    sent: list[Point] = []
    buffer = MetricBuffer(sent.extend, every_steps=7)
    for step in range(1000):
        buffer.add(step, {"loss": step / 10})
    assert buffer.close() == 0
    assert [step for _, step, _ in sent] == list(range(1000))
    assert [values["loss"] for _, _, values in sent] == [step / 10 for step in range(1000)]


def test_writer_wakes_after_enough_steps_and_not_before() -> None:
    arrived = threading.Event()
    sent: list[Point] = []

    def send(points: list[Point]) -> None:
        sent.extend(points)
        arrived.set()

    buffer = MetricBuffer(send, every_steps=3, every_seconds=60)
    buffer.add(0, {"x": 0.0})
    buffer.add(1, {"x": 1.0})
    assert not arrived.wait(0.1)
    buffer.add(2, {"x": 2.0})
    wait_for(arrived)
    buffer.close()
    assert len(sent) == 3


def test_writer_wakes_after_the_time() -> None:
    arrived = threading.Event()
    buffer = MetricBuffer(lambda points: arrived.set(), every_steps=1000, every_seconds=0.05)
    buffer.add(0, {"x": 0.0})
    wait_for(arrived)
    buffer.close()


def test_a_later_change_of_the_mapping_changes_nothing() -> None:
    sent: list[Point] = []
    buffer = MetricBuffer(sent.extend)
    values = {"x": 1.0}
    buffer.add(0, values)
    values["x"] = 2.0
    buffer.close()
    assert sent[0][2] == {"x": 1.0}


def test_a_failure_keeps_the_points_for_the_next_time() -> None:
    sent: list[Point] = []
    failures = [OSError("disk full"), OSError("disk full")]

    def send(points: list[Point]) -> None:
        if failures:
            raise failures.pop()
        sent.extend(points)

    buffer = MetricBuffer(send, every_seconds=60)
    for step in range(3):
        buffer.add(step, {"x": 0.0})
    buffer.flush()
    assert str(buffer.problem) == "disk full"
    buffer.add(3, {"x": 0.0})
    buffer.flush()
    buffer.flush()
    assert buffer.problem is None
    assert [step for _, step, _ in sent] == [0, 1, 2, 3]
    assert buffer.close() == 0


def test_close_counts_what_is_lost_and_ends_the_thread() -> None:
    def send(points: list[Point]) -> None:
        raise OSError("gone")

    before = threading.active_count()
    buffer = MetricBuffer(send)
    buffer.add(0, {"x": 0.0})
    buffer.add(1, {"x": 0.0})
    assert buffer.close() == 2
    assert threading.active_count() == before


def test_without_points_there_is_no_thread() -> None:
    before = threading.active_count()
    buffer = MetricBuffer(lambda points: None)
    assert threading.active_count() == before
    assert buffer.close() == 0


def test_adding_does_not_wait_for_a_slow_store() -> None:
    release = threading.Event()

    def send(points: list[Point]) -> None:
        release.wait(10)

    buffer = MetricBuffer(send, every_steps=1)
    buffer.add(0, {"x": 0.0})
    start = time.perf_counter()
    for step in range(1, 1000):
        buffer.add(step, {"x": 0.0})
    seconds = time.perf_counter() - start
    release.set()
    buffer.close()
    assert seconds < 1
