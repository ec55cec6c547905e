"""Eight bytes at any place of a byte array, read or written as one integer: what kernels that parse bytes compute with.

A kernel that looks at one byte at a time spends its time on branches; eight bytes in a register answer several
questions at once. Used inside njit functions only; bounds are not checked.
"""

from typing import Any

from llvmlite import ir
from numba import types

from algorithms.kernels.simd import instruction

_BYTE, _WORD = ir.IntType(8), ir.IntType(64)


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


def fours(width: int) -> Any:
    """The instruction that reads four varints of `width` bytes each, 1 to 4."""
    ints, byte_lanes, lanes = ir.IntType(32), ir.VectorType(_BYTE, 16), ir.VectorType(ir.IntType(32), 4)
    spread = [lane * width + byte if byte < width else 16 for lane in range(4) for byte in range(4)]  # 16: a zero
    tops = int.from_bytes(bytes([0x80] * (width - 1) + [0] * (5 - width)), "little")

    def all_lanes(number: int) -> Any:
        return ir.Constant(lanes, [number] * 4)

    def read_four(typingctx: Any, target: Any, index: Any, data: Any, at: Any, most: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            source = _address(context, builder, signature.args[2], args[2], args[3])
            sixteen = builder.load(builder.bitcast(source, byte_lanes.as_pointer()))
            sixteen.align = 1
            zeros = ir.Constant(byte_lanes, [0] * 16)
            mask = ir.Constant(ir.VectorType(ints, 16), spread)
            raw = builder.bitcast(builder.shuffle_vector(sixteen, zeros, mask), lanes)
            numbers = builder.and_(raw, all_lanes(0x7F))
            for i in range(1, width):
                seven = builder.and_(builder.lshr(raw, all_lanes(i)), all_lanes(0x7F << 7 * i))
                numbers = builder.or_(numbers, seven)
            nothing = ir.Constant(lanes, ir.Undefined)
            one = builder.insert_element(nothing, args[4], ir.Constant(ints, 0))
            bound = builder.shuffle_vector(one, nothing, all_lanes(0))
            of_width = builder.icmp_unsigned("==", builder.and_(raw, all_lanes(0x80808080)), all_lanes(tops))
            good = builder.and_(of_width, builder.icmp_unsigned("<", numbers, bound))
            place = _address(context, builder, signature.args[0], args[0], args[1])
            builder.store(numbers, builder.bitcast(place, lanes.as_pointer())).align = 4
            four = ir.IntType(4)
            return builder.icmp_unsigned("==", builder.bitcast(good, four), ir.Constant(four, -1))

        return types.boolean(target, types.intp, data, types.intp, types.uint32), codegen

    return instruction(read_four)
