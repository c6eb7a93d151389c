"""The CRF's sums over paths, compiled: forward-backward in scaled linear space.

Forward and backward variables are probabilities that are brought to a sum of 1 at every step, so
that exponentials are taken once a score and not once a transition. The transitions are used as
what they are, 23 abstract ones: a mention may be followed by one of any type, and for the weight
of that only the sum over the other types counts. A step therefore costs O(K) and not O(K * K).
Those sums are built from both ends, not by subtraction, so nothing cancels and every result has
the relative precision of float64.

Where scores are too far apart for that (:data:`LEAST`), the kernels say so and give no result; the
caller then takes logarithms (:mod:`fewshot_metalstm.nn.crf`). Everything is computed in float64.

Source: Rabiner, "A Tutorial on Hidden Markov Models", Proceedings of the IEEE 77, 1989, section
V.A (scaling); Lafferty, McCallum, Pereira, ICML 2001 (the gradient).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fewshot_metalstm.nn.kernels.compiled import compiled
from fewshot_metalstm.nn.transitions import TRANSITIONS

Floats = npt.NDArray[np.floating]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FINE, WIDE, BAD = 0, 1, 2  # how a kernel ended: well, scores too far apart, an index out of range

# The least weight of a transition and of a state beside the best one. Their products are far from
# the smallest float64, so a weight that is above this never meets one that was lost.
LEAST = 1e-100

# Compiled code is kept beside this file and made anew when this file changes, not when a file does
# that it imports. Hence one file for all of this; touch it if the order of TRANSITIONS changes.
_OO, _OB, _OS, _BI, _BE, _II, _IE = (
    TRANSITIONS.index(n) for n in ("O>O", "O>B", "O>S", "B>I", "B>E", "I>I", "I>E")
)
_EO, _EB, _EB_OTHER, _ES, _ES_OTHER = (
    TRANSITIONS.index(n) for n in ("E>O", "E>B=", "E>B!", "E>S=", "E>S!")
)
_SO, _SB, _SB_OTHER, _SS, _SS_OTHER = (
    TRANSITIONS.index(n) for n in ("S>O", "S>B=", "S>B!", "S>S=", "S>S!")
)
_START_O, _START_B, _START_S = (TRANSITIONS.index(f"start>{n}") for n in "OBS")
_O_END, _E_END, _S_END = (TRANSITIONS.index(f"{n}>end") for n in "OES")
_NUMBER = len(TRANSITIONS)
_B, _I, _E, _S = 1, 2, 3, 4  # places of the first type's tags; a further type is 4 further


@compiled
def _weights(scores: Floats, weights: Doubles) -> tuple[float, bool]:
    """exp(score - highest) into ``weights``; the highest score, and whether none is too small."""
    highest = float(scores[0])
    for k in range(1, _NUMBER):
        highest = max(highest, float(scores[k]))
    fine = True
    for k in range(_NUMBER):
        weights[k] = np.exp(scores[k] - highest)
        fine = fine and weights[k] >= LEAST
    return highest, fine


@compiled
def _others(values: Doubles, first: int, out: Doubles) -> float:
    """``out[t]`` is the sum of ``values[first + 4 * s]`` over the types s != t; the whole sum."""
    types = len(out)
    total = 0.0
    for t in range(types):
        out[t] = total
        total += values[first + 4 * t]
    after = 0.0
    for t in range(types - 1, -1, -1):
        out[t] += after
        after += values[first + 4 * t]
    return total


@compiled
def _forward(
    emissions: Floats, length: int, w: Doubles, a: Doubles, x: Doubles, c: Doubles,
    other_e: Doubles, other_s: Doubles,
) -> tuple[float, bool]:  # fmt: skip
    """Fill ``a`` (forward, sums to 1), ``x`` (emissions as weights) and ``c`` (scales).

    Returns:
        log of the sum over all paths, with weights for the transitions; whether it can be trusted.
    """
    width = emissions.shape[1]
    types = len(other_e)
    log_z = 0.0
    for t in range(length):
        first = t == 0
        highest = float(emissions[t, 0])
        for j in range(1, width):
            if not (first and (j % 4 == _I or j % 4 == _E)):  # no sentence begins inside a mention
                highest = max(highest, float(emissions[t, j]))
        for j in range(width):
            x[t, j] = np.exp(emissions[t, j] - highest)
        if first:
            a[0, 0] = w[_START_O]
            for k in range(0, 4 * types, 4):
                a[0, _B + k] = w[_START_B]
                a[0, _I + k] = a[0, _E + k] = 0.0
                x[0, _I + k] = x[0, _E + k] = 0.0
                a[0, _S + k] = w[_START_S]
        else:
            last, now = a[t - 1], a[t]
            outside = last[0]
            all_e = _others(last, _E, other_e)
            all_s = _others(last, _S, other_s)
            now[0] = w[_OO] * outside + w[_EO] * all_e + w[_SO] * all_s
            for s in range(types):
                k = 4 * s
                b, i, e, s_ = last[_B + k], last[_I + k], last[_E + k], last[_S + k]
                now[_B + k] = (
                    w[_OB] * outside
                    + w[_EB] * e + w[_EB_OTHER] * other_e[s]
                    + w[_SB] * s_ + w[_SB_OTHER] * other_s[s]
                )  # fmt: skip
                now[_S + k] = (
                    w[_OS] * outside
                    + w[_ES] * e + w[_ES_OTHER] * other_e[s]
                    + w[_SS] * s_ + w[_SS_OTHER] * other_s[s]
                )  # fmt: skip
                now[_I + k] = w[_BI] * b + w[_II] * i
                now[_E + k] = w[_BE] * b + w[_IE] * i
        total = 0.0
        for j in range(width):
            a[t, j] *= x[t, j]
            total += a[t, j]
        for j in range(width):
            a[t, j] /= total
            # Written so that a comparison with NaN fails.
            if not (a[t, j] >= LEAST or (first and (j % 4 == _I or j % 4 == _E))):
                return 0.0, False
        c[t] = total
        log_z += np.log(total) + highest
    total = w[_O_END] * a[length - 1, 0]
    for k in range(0, 4 * types, 4):
        total += w[_E_END] * a[length - 1, _E + k] + w[_S_END] * a[length - 1, _S + k]
    c[length] = total
    return log_z + np.log(total), True


@compiled
def _last(w: Doubles, c: float, b: Doubles) -> None:
    """The backward variables of the last token."""
    b[0] = w[_O_END] / c
    for k in range(0, len(b) - 1, 4):
        b[_B + k] = b[_I + k] = 0.0
        b[_E + k] = w[_E_END] / c
        b[_S + k] = w[_S_END] / c


@compiled
def _back(
    y: Doubles, w: Doubles, b: Doubles, other_b: Doubles, other_s: Doubles
) -> tuple[float, float]:
    """Backward variables ``b`` of a token from the next one's ``y`` (emission * backward / scale).

    Returns:
        The sums of ``y`` over the tags B and over the tags S.
    """
    all_b = _others(y, _B, other_b)
    all_s = _others(y, _S, other_s)
    b[0] = w[_OO] * y[0] + w[_OB] * all_b + w[_OS] * all_s
    for s in range(len(other_b)):
        k = 4 * s
        y_b, y_i, y_e, y_s = y[_B + k], y[_I + k], y[_E + k], y[_S + k]
        b[_B + k] = w[_BI] * y_i + w[_BE] * y_e
        b[_I + k] = w[_II] * y_i + w[_IE] * y_e
        b[_E + k] = (
            w[_EO] * y[0]
            + w[_EB] * y_b + w[_EB_OTHER] * other_b[s]
            + w[_ES] * y_s + w[_ES_OTHER] * other_s[s]
        )  # fmt: skip
        b[_S + k] = (
            w[_SO] * y[0]
            + w[_SB] * y_b + w[_SB_OTHER] * other_b[s]
            + w[_SS] * y_s + w[_SS_OTHER] * other_s[s]
        )  # fmt: skip
    return all_b, all_s


@compiled
def _count(
    a: Doubles, y: Doubles, all_b: float, all_s: float, other_b: Doubles, other_s: Doubles,
    counts: Doubles,
) -> None:  # fmt: skip
    """Add to ``counts`` how often each transition is expected between two tokens, over its weight.

    ``a`` belongs to the first token, ``y`` and its sums to the second.
    """
    counts[_OO] += a[0] * y[0]
    counts[_OB] += a[0] * all_b
    counts[_OS] += a[0] * all_s
    for s in range(len(other_b)):
        k = 4 * s
        a_b, a_i, a_e, a_s = a[_B + k], a[_I + k], a[_E + k], a[_S + k]
        y_b, y_i, y_e, y_s = y[_B + k], y[_I + k], y[_E + k], y[_S + k]
        counts[_BI] += a_b * y_i
        counts[_BE] += a_b * y_e
        counts[_II] += a_i * y_i
        counts[_IE] += a_i * y_e
        counts[_EO] += a_e * y[0]
        counts[_EB] += a_e * y_b
        counts[_EB_OTHER] += a_e * other_b[s]
        counts[_ES] += a_e * y_s
        counts[_ES_OTHER] += a_e * other_s[s]
        counts[_SO] += a_s * y[0]
        counts[_SB] += a_s * y_b
        counts[_SB_OTHER] += a_s * other_b[s]
        counts[_SS] += a_s * y_s
        counts[_SS_OTHER] += a_s * other_s[s]


@compiled
def likelihood(
    emissions: Floats, scores: Floats, tags: Ints, lengths: Ints, inner: Ints, start: Ints,
    end: Ints, loss: Floats, by_emission: Floats, by_score: Floats,
) -> int:  # fmt: skip
    """-log p of each sentence's tags, and its gradients.

    Args:
        emissions: (B, T, K).
        scores: (23,), in the order of ``TRANSITIONS``.
        tags: (B, T).
        lengths: (B,).
        inner, start, end: which transition a pair of tags uses, as ``transition_index`` says.
        loss: (B,), filled.
        by_emission: (B, T, K), filled, or without rows where no gradient is wanted.
        by_score: (B, 23), likewise.

    Returns:
        FINE, WIDE or BAD; the outputs hold nothing of use unless it is FINE.
    """
    batch, steps, width = emissions.shape
    types = (width - 1) // 4
    w, counts = np.empty(_NUMBER), np.empty(_NUMBER)
    a, x = np.empty((steps, width)), np.empty((steps, width))
    c, b, y = np.empty(steps + 1), np.empty(width), np.empty(width)
    other, other_too = np.empty(types), np.empty(types)
    highest, fine = _weights(scores, w)
    if not fine:
        return WIDE
    for row in range(batch):
        length = lengths[row]
        if length < 1 or length > steps:
            return BAD
        gold = 0.0
        for t in range(length):
            tag = tags[row, t]
            if tag < 0 or tag >= width:
                return BAD
            move = start[tag] if t == 0 else inner[tags[row, t - 1], tag]
            gold += emissions[row, t, tag] + (scores[move] if move >= 0 else -np.inf)
        move = end[tags[row, length - 1]]
        gold += scores[move] if move >= 0 else -np.inf
        log_z, fine = _forward(emissions[row], length, w, a, x, c, other, other_too)
        if not fine:
            return WIDE
        loss[row] = log_z + (length + 1) * highest - gold
        if len(by_emission) == 0:
            continue

        counts[:] = 0.0
        _last(w, c[length], b)
        for t in range(length - 1, -1, -1):
            for j in range(width):
                by_emission[row, t, j] = a[t, j] * b[j]
            if t > 0:
                for j in range(width):
                    y[j] = x[t, j] * b[j] / c[t]
                all_b, all_s = _back(y, w, b, other, other_too)
                _count(a[t - 1], y, all_b, all_s, other, other_too, counts)
        for t in range(length, steps):
            by_emission[row, t] = 0.0
        for k in range(_NUMBER):
            counts[k] *= w[k]
        # Before the gold tags are taken away, the first and last tokens' marginals are the
        # expected transitions from the start and to the end.
        for j in range(width):
            if start[j] >= 0:
                counts[start[j]] += by_emission[row, 0, j]
            if end[j] >= 0:
                counts[end[j]] += by_emission[row, length - 1, j]
        for t in range(length):
            tag = tags[row, t]
            by_emission[row, t, tag] -= 1
            move = start[tag] if t == 0 else inner[tags[row, t - 1], tag]
            if move >= 0:
                counts[move] -= 1
        move = end[tags[row, length - 1]]
        if move >= 0:
            counts[move] -= 1
        by_score[row] = counts
    return FINE


@compiled
def marginals(
    emissions: Floats, scores: Floats, lengths: Ints, order: Ints, mentions: Ints, out: Floats
) -> int:
    """The probability of every mention, (M,), into ``out``.

    ``mentions`` (M, 4) holds sentence, start, end (exclusive) and type; ``order`` lists its rows
    sentence by sentence. Other arguments and the result are those of :func:`likelihood`.
    """
    batch, steps, width = emissions.shape
    types = (width - 1) // 4
    w, y = np.empty(_NUMBER), np.empty(width)
    a, x, b = np.empty((steps, width)), np.empty((steps, width)), np.empty((steps, width))
    c, other, other_too = np.empty(steps + 1), np.empty(types), np.empty(types)
    _, fine = _weights(scores, w)
    if not fine:
        return WIDE
    done = -1  # the sentence that a, x, b and c belong to
    for place in order:
        row, begin, stop, kind = mentions[place]
        if row < 0 or row >= batch or kind < 0 or kind >= types:
            return BAD
        length = lengths[row]
        if length < 1 or length > steps or begin < 0 or begin >= stop or stop > length:
            return BAD
        if row != done:
            done = row
            _, fine = _forward(emissions[row], length, w, a, x, c, other, other_too)
            if not fine:
                return WIDE
            _last(w, c[length], b[length - 1])
            for t in range(length - 1, 0, -1):
                for j in range(width):
                    y[j] = x[t, j] * b[t, j] / c[t]
                _back(y, w, b[t - 1], other, other_too)
        k = 4 * kind
        if stop == begin + 1:
            out[place] = a[begin, _S + k] * b[begin, _S + k]
            continue
        chance = a[begin, _B + k]
        for t in range(begin + 1, stop - 1):
            chance *= (w[_BI] if t == begin + 1 else w[_II]) * x[t, _I + k] / c[t]
        t = stop - 1
        chance *= (w[_BE] if t == begin + 1 else w[_IE]) * x[t, _E + k] / c[t]
        out[place] = chance * b[t, _E + k]
    return FINE
