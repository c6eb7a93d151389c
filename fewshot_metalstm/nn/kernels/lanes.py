"""Writing vector code for numba: LLVM's vector types, as wide as the machine's registers.

numba vectorises a loop when it can prove that it may; what is generated here is vector code on any
machine (one without such registers gets it in pieces).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils

_FEATURES = dict(llvm.get_host_cpu_features())
WIDE, AVX = bool(_FEATURES.get("avx512f")), bool(_FEATURES.get("avx2"))
VECTOR_BYTES = 64 if WIDE else 32 if AVX else 16


class Code:
    """Types, pointers, masks and memory of vectors that hold elements of an array."""

    def __init__(self, context: Any, builder: Any, array: Any) -> None:
        self.context, self.builder = context, builder
        self.element = context.get_value_type(array.dtype)
        self.size = array.dtype.bitwidth // 8
        self.lanes = VECTOR_BYTES // self.size
        self.vector = ir.VectorType(self.element, self.lanes)
        self.mask_type = ir.VectorType(ir.IntType(1), self.lanes)
        self.index = ir.IntType(64)
        self.name = f"v{self.lanes}f{8 * self.size}"

    def data(self, array: Any, value: Any) -> Any:
        """Pointer to an array's first element."""
        return self.context.make_array(array)(self.context, self.builder, value).data

    def at(self, data: Any, place: Any) -> Any:
        """Pointer to the vector that begins at element ``place``."""
        return self.builder.bitcast(self.builder.gep(data, [place]), self.vector.as_pointer())

    def number(self, value: int) -> Any:
        """A constant index."""
        return ir.Constant(self.index, value)

    def every(self, value: float) -> Any:
        """A constant in every lane."""
        return ir.Constant(self.vector, [value] * self.lanes)

    def spread(self, scalar: Any) -> Any:
        """A vector that holds ``scalar`` in each lane."""
        first = self.builder.insert_element(
            ir.Constant(self.vector, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0)
        )
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(first, first, zeros)

    def below(self, count: Any) -> Any:
        """Mask of the lanes whose number is below ``count``."""
        numbers = ir.VectorType(ir.IntType(32), self.lanes)
        count32 = self.builder.trunc(count, ir.IntType(32))
        first = self.builder.insert_element(
            ir.Constant(numbers, ir.Undefined), count32, ir.Constant(ir.IntType(32), 0)
        )
        zeros = ir.Constant(numbers, [0] * self.lanes)
        limit = self.builder.shuffle_vector(first, first, zeros)
        lane = ir.Constant(numbers, list(range(self.lanes)))
        return self.builder.icmp_signed("<", lane, limit)

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        """a * b + c, rounded once."""
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        name = f"llvm.fma.{self.name}"
        function = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(function, [a, b, c])

    def load(self, data: Any, place: Any, mask: Any) -> Any:
        """The lanes of ``mask``; zero in the others, which are not read."""
        pointer = self.at(data, place)
        kind = ir.FunctionType(
            self.vector, [pointer.type, ir.IntType(32), self.mask_type, self.vector]
        )
        function = cgutils.get_or_insert_function(
            self.builder.module, kind, f"llvm.masked.load.{self.name}.p0"
        )
        align = ir.Constant(ir.IntType(32), self.size)
        return self.builder.call(function, [pointer, align, mask, self.every(0.0)])

    def store(self, value: Any, data: Any, place: Any, mask: Any) -> None:
        """Write the lanes of ``mask``."""
        pointer = self.at(data, place)
        kind = ir.FunctionType(
            ir.VoidType(), [self.vector, pointer.type, ir.IntType(32), self.mask_type]
        )
        function = cgutils.get_or_insert_function(
            self.builder.module, kind, f"llvm.masked.store.{self.name}.p0"
        )
        self.builder.call(function, [value, pointer, ir.Constant(ir.IntType(32), self.size), mask])


class Lanes:
    """A vector under construction, with the operators of arithmetic."""

    def __init__(self, code: Code, value: Any) -> None:
        self.code, self.value = code, value

    def _with(self, other: Lanes | float, operation: Callable[..., Any]) -> Lanes:
        value = other.value if isinstance(other, Lanes) else self.code.every(other)
        return Lanes(self.code, operation(self.value, value, flags=("contract",)))

    def __add__(self, other: Lanes | float) -> Lanes:
        return self._with(other, self.code.builder.fadd)

    def __sub__(self, other: Lanes | float) -> Lanes:
        return self._with(other, self.code.builder.fsub)

    def __mul__(self, other: Lanes | float) -> Lanes:
        return self._with(other, self.code.builder.fmul)

    def __truediv__(self, other: Lanes | float) -> Lanes:
        return self._with(other, self.code.builder.fdiv)


# tanh(x) = x P(x^2) / Q(x^2), good to 3e-7 relative; beyond the bound float32's tanh is 1.
_BOUND = 7.90531110763549805
_P = (4.89352455891786e-03, 6.37261928875436e-04, 1.48572235717979e-05, 5.12229709037114e-08,
      -8.60467152213735e-11, 2.00018790482477e-13, -2.76076847742355e-16)  # fmt: skip
_Q = (4.89352518554385e-03, 2.26843463243900e-03, 1.18534705686654e-04, 1.19825839466702e-06)


def tanh(x: Lanes) -> Lanes:
    """Hyperbolic tangent; NaN stays NaN."""
    code = x.code
    builder = code.builder
    if code.size == 8:  # float64 is for checks: exact, a lane at a time
        result = ir.Constant(code.vector, ir.Undefined)
        kind = ir.FunctionType(code.element, [code.element])
        function = cgutils.get_or_insert_function(builder.module, kind, "tanh")
        for lane in range(code.lanes):
            number = ir.Constant(ir.IntType(32), lane)
            value = builder.call(function, [builder.extract_element(x.value, number)])
            result = builder.insert_element(result, value, number)
        return Lanes(code, result)
    value = x.value
    for bound, sign in ((_BOUND, ">"), (-_BOUND, "<")):
        beyond = builder.fcmp_ordered(sign, value, code.every(bound))
        value = builder.select(beyond, code.every(bound), value)  # NaN stays NaN
    x = Lanes(code, value)
    square = x * x

    def polynomial(coefficients: Sequence[float]) -> Lanes:
        total = Lanes(code, code.every(coefficients[-1]))
        for coefficient in coefficients[-2::-1]:
            total = total * square + coefficient
        return total

    return x * polynomial(_P) / polynomial(_Q)


def sigmoid(x: Lanes) -> Lanes:
    """Logistic function."""
    return tanh(x * 0.5) * 0.5 + 0.5
