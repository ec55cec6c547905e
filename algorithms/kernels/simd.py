"""Sixteen float32 in one value: the vector type that the training kernels compute with.

LLVM's own loop vectoriser loses its way in loops as short as a word vector; with a type for "sixteen lanes" a kernel
says what it means, and LLVM maps it to one AVX-512 register, two AVX ones or four SSE or NEON ones. Rows are
therefore padded to a multiple of LANES floats. Used inside njit functions only.
"""

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, register_model

LANES = 16

_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_LANE = ir.IntType(32)
_FAST = ("fast",)


def instruction(implementation: Callable[..., Any]) -> Callable[..., Any]:
    """As numba's `intrinsic`, typed as what it is in a kernel: a function without the typing context."""
    return cast(Callable[..., Any], intrinsic(implementation))


class Float32x16(types.Type):
    """The numba type of a vector of sixteen float32."""

    def __init__(self) -> None:
        super().__init__(name="float32x16")


float32x16 = Float32x16()


@register_model(Float32x16)
class _Float32x16Model(models.PrimitiveModel):
    def __init__(self, manager: Any, front_end_type: Any) -> None:
        super().__init__(manager, front_end_type, _VECTOR)  # type: ignore[no-untyped-call]


def _element(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [index], inbounds=True)


def _lanes(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    return builder.bitcast(_element(context, builder, array_type, array, index), _VECTOR.as_pointer())


def _spread(builder: Any, scalar: Any) -> Any:
    nothing = ir.Constant(_VECTOR, ir.Undefined)
    one = builder.insert_element(nothing, scalar, ir.Constant(_LANE, 0))
    return builder.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(_LANE, LANES), [0] * LANES))


@instruction
def load(typingctx: Any, array: Any, index: Any) -> Any:
    """Sixteen floats, array[index : index + 16], of a contiguous float32 array; bounds are not checked."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = builder.load(_lanes(context, builder, signature.args[0], args[0], args[1]))
        value.align = 4
        return value

    return float32x16(array, types.intp), codegen


@instruction
def store(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """Set array[index : index + 16] = value. In place; bounds are not checked."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _lanes(context, builder, signature.args[0], args[0], args[1])).align = 4
        return context.get_dummy_value()

    return types.void(array, types.intp, float32x16), codegen


@instruction
def splat(typingctx: Any, scalar: Any) -> Any:
    """The same float32 in all lanes."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _spread(builder, args[0])

    return float32x16(types.float32), codegen


@instruction
def fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """The sum a * b + c, lane by lane, in one rounding where the machine can."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fadd(builder.fmul(args[0], args[1], flags=_FAST), args[2], flags=_FAST)

    return float32x16(float32x16, float32x16, float32x16), codegen


def _ask_for(context: Any, builder: Any, signature: Any, args: Any, how: tuple[int, int, int]) -> Any:
    byte = ir.IntType(8).as_pointer()
    address = builder.bitcast(_element(context, builder, signature.args[0], args[0], args[1]), byte)
    kind = ir.FunctionType(ir.VoidType(), [byte, _LANE, _LANE, _LANE])
    name = "llvm.prefetch.p0"
    function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
    builder.call(function, [address, *(ir.Constant(_LANE, value) for value in how)])
    return context.get_dummy_value()


@instruction
def prefetch(typingctx: Any, array: Any, index: Any) -> Any:
    """Ask for the cache line of array[index]: it will be read and written soon."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _ask_for(context, builder, signature, args, (1, 3, 1))  # for writing, into all levels, data not code

    return types.void(array, types.intp), codegen


@instruction
def prefetch_early(typingctx: Any, array: Any, index: Any) -> Any:
    """Ask for the cache line of array[index], into the second level, where more can be under way than in the first."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _ask_for(context, builder, signature, args, (0, 2, 1))

    return types.void(array, types.intp), codegen


@instruction
def times(typingctx: Any, a: Any, b: Any) -> Any:
    """The product a * b, lane by lane."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fmul(args[0], args[1], flags=_FAST)

    return float32x16(float32x16, float32x16), codegen


@instruction
def divide(typingctx: Any, a: Any, b: Any) -> Any:
    """The quotient a / b, lane by lane."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fdiv(args[0], args[1], flags=_FAST)

    return float32x16(float32x16, float32x16), codegen


@instruction
def root(typingctx: Any, value: Any) -> Any:
    """The square root of each lane."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        name = f"llvm.sqrt.v{LANES}f32"
        kind = ir.FunctionType(_VECTOR, [_VECTOR])
        function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        return builder.call(function, args)

    return float32x16(float32x16), codegen


@instruction
def larger(typingctx: Any, a: Any, b: Any) -> Any:
    """The larger of a and b, lane by lane."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", args[0], args[1], flags=_FAST), args[0], args[1])

    return float32x16(float32x16, float32x16), codegen


@instruction
def clip(typingctx: Any, value: Any, bound: Any) -> Any:
    """The value, held between -bound and bound, lane by lane."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value, bound = args
        value = builder.select(builder.fcmp_ordered("<", value, bound, flags=_FAST), value, bound)
        low = builder.fneg(bound)
        return builder.select(builder.fcmp_ordered(">", value, low, flags=_FAST), value, low)

    return float32x16(float32x16, float32x16), codegen


@instruction
def totals(
    typingctx: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any, i: Any, j: Any, k: Any, m: Any
) -> Any:
    """The sums of twelve vectors in the first twelve lanes of one: half the shuffles of twelve single sums."""
    # each level adds halves of two vectors into one: first inside groups of four lanes, then between the groups
    inside = [lane for quad in range(0, LANES, 4) for lane in (quad, quad + 2, quad + 16, quad + 18)]
    across = [quad + lane for quad in (0, 8, 16, 24) for lane in range(4)]

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        values = [*args, *[ir.Constant(_VECTOR, [0.0] * LANES)] * (LANES - len(args))]
        for lanes, step in ((inside, 1), (inside, 1), (across, 4), (across, 4)):
            masks = [ir.Constant(ir.VectorType(_LANE, LANES), [n + shift for n in lanes]) for shift in (0, step)]
            values = [
                builder.fadd(*(builder.shuffle_vector(x, y, mask) for mask in masks), flags=_FAST)
                for x, y in zip(values[::2], values[1::2], strict=True)
            ]
        return values[0]

    return float32x16(*[float32x16] * 12), codegen


@instruction
def broadcast(typingctx: Any, array: Any, index: Any) -> Any:
    """One float, array[index], in all lanes; bounds are not checked."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _spread(builder, builder.load(_element(context, builder, signature.args[0], args[0], args[1])))

    return float32x16(array, types.intp), codegen


@instruction
def at(typingctx: Any, array: Any, index: Any) -> Any:
    """Just array[index], without the test for a negative index; bounds are not checked."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_element(context, builder, signature.args[0], args[0], args[1]))

    return array.dtype(array, types.intp), codegen


@instruction
def exp(typingctx: Any, value: Any) -> Any:
    """The exponential of each lane, for values of at most 88, with a relative error below 3e-7: 0 below -87."""
    # exp(x) = 2^n exp(r), n the nearest integer to x / ln 2: r is in +-0.35, where six terms of its series suffice;
    # ln 2 is subtracted in two parts, so that r keeps its last bits (Cody & Waite 1980)
    integers = ir.VectorType(_LANE, LANES)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def all_lanes(number: float) -> Any:
            return ir.Constant(_VECTOR, [number] * LANES)

        def plus(a: Any, b: Any, c: Any) -> Any:
            return builder.fadd(builder.fmul(a, b, flags=("contract",)), c, flags=("contract",))

        low = builder.fcmp_ordered("<", args[0], all_lanes(-87.0))
        x = builder.select(low, all_lanes(0.0), args[0])
        shift = all_lanes(12582912.0)  # 1.5 * 2**23: what is added to it is rounded to an integer in its low bits
        shifted = plus(x, all_lanes(1.4426950408889634), shift)
        n = builder.fsub(shifted, shift)
        r = plus(n, all_lanes(-0.693359375), x)
        r = plus(n, all_lanes(2.12194440e-4), r)
        power = all_lanes(1 / 720)
        for coefficient in (1 / 120, 1 / 24, 1 / 6, 1 / 2, 1.0, 1.0):
            power = plus(power, r, all_lanes(coefficient))
        exponent = builder.shl(builder.bitcast(shifted, integers), ir.Constant(integers, [23] * LANES))
        scaled = builder.bitcast(builder.add(builder.bitcast(power, integers), exponent), _VECTOR)
        return builder.select(low, all_lanes(0.0), scaled)

    return float32x16(float32x16), codegen
