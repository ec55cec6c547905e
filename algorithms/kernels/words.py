"""Eight or sixteen bytes at any place of a byte array, in one register: what kernels that parse bytes compute with.

A kernel that looks at one byte at a time spends its time on branches; a register answers several questions at once.
Little-endian machines alone. Used inside njit functions only; bounds are not checked.
"""

from typing import Any

from llvmlite import ir
from numba import types

from algorithms.kernels.simd import instruction

_BYTE, _WORD = ir.IntType(8), ir.IntType(64)
_BYTES, _LANES = ir.VectorType(_BYTE, 16), ir.VectorType(ir.IntType(32), 4)


def _address(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [index], inbounds=True)


@instruction
def word(typingctx: Any, data: Any, index: Any) -> Any:
    """Little-endian uint64 of the eight bytes from data[index] on."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = _address(context, builder, signature.args[0], args[0], args[1])
        value = builder.load(builder.bitcast(address, _WORD.as_pointer()))
        value.align = 1
        return value

    return types.uint64(data, types.intp), codegen


@instruction
def set_word(typingctx: Any, data: Any, index: Any, value: Any) -> Any:
    """Set the eight bytes from data[index] on to a little-endian uint64. In place."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = _address(context, builder, signature.args[0], args[0], args[1])
        builder.store(args[2], builder.bitcast(address, _WORD.as_pointer())).align = 1
        return context.get_dummy_value()

    return types.void(data, types.intp, types.uint64), codegen


@instruction
def copy(typingctx: Any, target: Any, index: Any, source: Any, begin: Any, size: Any) -> Any:
    """Set target[index : index + size] to source[begin : begin + size], both uint8 and not the same. In place."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte = _BYTE.as_pointer()
        addresses = [_address(context, builder, signature.args[i], args[i], args[i + 1]) for i in (0, 2)]
        kind = ir.FunctionType(ir.VoidType(), [byte, byte, _WORD, ir.IntType(1)])
        name = "llvm.memcpy.p0.p0.i64"
        function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        builder.call(function, [*addresses, args[4], ir.Constant(ir.IntType(1), 0)])
        return context.get_dummy_value()

    return types.void(target, types.intp, source, types.intp, types.intp), codegen


@instruction
def trailing_zeros(typingctx: Any, value: Any) -> Any:
    """How many zero bits a uint64 ends with; 64 for 0."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.intp(types.uint64), codegen


def read_fours(width: int) -> Any:
    """The instruction that reads four varints of `width` bytes each, 1 to 4, from sixteen bytes of data[at:].

    It sets target[index : index + 4], uint32, and tells whether they are four such, all below `most`. In place.
    """

    def read(typingctx: Any, target: Any, index: Any, data: Any, at: Any, most: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            source = _address(context, builder, signature.args[2], args[2], args[3])
            sixteen = builder.load(builder.bitcast(source, _BYTES.as_pointer()))
            sixteen.align = 1
            apart = [lane * width + byte if byte < width else 16 for lane in range(4) for byte in range(4)]
            raw = builder.bitcast(_shuffled(builder, sixteen, apart), _LANES)
            numbers = builder.and_(raw, _all(0x7F))
            for i in range(1, width):
                numbers = builder.or_(numbers, builder.and_(builder.lshr(raw, _all(i)), _all(0x7F << 7 * i)))
            bound = _spread(builder, args[4])
            of_width = builder.icmp_unsigned("==", builder.and_(raw, _all(0x80808080)), _all(_tops(width)))
            place = _address(context, builder, signature.args[0], args[0], args[1])
            builder.store(numbers, builder.bitcast(place, _LANES.as_pointer())).align = 4
            return _every(builder, builder.and_(of_width, builder.icmp_unsigned("<", numbers, bound)))

        return types.boolean(target, types.intp, data, types.intp, types.uint32), codegen

    return instruction(read)


def write_fours(width: int) -> Any:
    """The instruction that writes four varints of `width` bytes each, 1 to 4, into sixteen bytes of out[at:].

    They are source[index : index + 4], int32; it tells whether they are of that width. In place.
    """

    def write(typingctx: Any, out: Any, at: Any, source: Any, index: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            place = _address(context, builder, signature.args[2], args[2], args[3])
            numbers = builder.load(builder.bitcast(place, _LANES.as_pointer()))
            numbers.align = 4
            raw = builder.or_(builder.and_(numbers, _all(0x7F)), _all(_tops(width)))
            for i in range(1, width):
                raw = builder.or_(raw, builder.shl(builder.and_(numbers, _all(0x7F << 7 * i)), _all(i)))
            together = [4 * (place // width) + place % width if place < 4 * width else 16 for place in range(16)]
            sixteen = _shuffled(builder, builder.bitcast(raw, _BYTES), together)
            target = _address(context, builder, signature.args[0], args[0], args[1])
            builder.store(sixteen, builder.bitcast(target, _BYTES.as_pointer())).align = 1
            least = 1 << 7 * (width - 1) if width > 1 else 0
            above = builder.sub(numbers, _all(least))
            return _every(builder, builder.icmp_unsigned("<", above, _all((1 << 7 * width) - least)))

        return types.boolean(out, types.intp, source, types.intp), codegen

    return instruction(write)


def _all(number: int) -> Any:
    return ir.Constant(_LANES, [number] * 4)


def _tops(width: int) -> int:
    """The top bits of a varint of this many bytes: set in all but the last."""
    return int.from_bytes(b"\x80" * (width - 1), "little")


def _shuffled(builder: Any, sixteen: Any, places: list[int]) -> Any:
    """Sixteen bytes from these places, a zero from place 16."""
    mask = ir.Constant(ir.VectorType(ir.IntType(32), 16), places)
    return builder.shuffle_vector(sixteen, ir.Constant(_BYTES, [0] * 16), mask)


def _spread(builder: Any, number: Any) -> Any:
    nothing = ir.Constant(_LANES, ir.Undefined)
    one = builder.insert_element(nothing, number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, nothing, _all(0))


def _every(builder: Any, lanes: Any) -> Any:
    four = ir.IntType(4)
    return builder.icmp_unsigned("==", builder.bitcast(lanes, four), ir.Constant(four, -1))
