"""RecordIO-protobuf as one comes to write it: record by record, with the protobuf package; and as the SageMaker SDK."""

import io
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format  # type: ignore[import-untyped]
from scipy import sparse

from data.recordio import MAGIC

# what of `aialgs.data.Record` the rows here need (see `data.record`)
SCHEMA = """
    name: "record.proto" package: "aialgs.data" syntax: "proto2"
    message_type { name: "Float32Tensor"
        field { name: "values" number: 1 type: TYPE_FLOAT label: LABEL_REPEATED options { packed: true } }
        field { name: "keys" number: 2 type: TYPE_UINT64 label: LABEL_REPEATED options { packed: true } }
        field { name: "shape" number: 3 type: TYPE_UINT64 label: LABEL_REPEATED options { packed: true } } }
    message_type { name: "Value" oneof_decl { name: "value" }
        field { name: "float32_tensor" number: 2 type_name: "Float32Tensor" label: LABEL_OPTIONAL oneof_index: 0 } }
    message_type { name: "Record"
        nested_type { name: "FeaturesEntry" options { map_entry: true }
            field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
            field { name: "value" number: 2 type_name: ".aialgs.data.Value" label: LABEL_OPTIONAL } }
        field { name: "features" number: 1 type_name: "FeaturesEntry" label: LABEL_REPEATED } }
"""


def _record() -> Any:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(text_format.Parse(SCHEMA, descriptor_pb2.FileDescriptorProto()))
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("aialgs.data.Record"))


Record = _record()


def read_in_a_loop(path: Path) -> Any:
    values, keys, ends, width = [], [], [0], 0
    for tensor in _tensors(path):
        values.extend(tensor.values)
        keys.extend(tensor.keys)
        ends.append(len(values))
        width = tensor.shape[0] if tensor.shape else len(tensor.values)
    if not keys:
        return np.array(values, np.float32).reshape(-1, width)
    arrays = np.array(values, np.float32), np.array(keys, np.int32), np.array(ends, np.int32)
    return sparse.csr_matrix(arrays, shape=(len(ends) - 1, width))


def read_as_arrays(path: Path) -> Any:
    values, keys, width = [], [], 0
    for tensor in _tensors(path):
        values.append(np.array(tensor.values, np.float32))
        keys.append(np.array(tensor.keys, np.int32))
        width = tensor.shape[0] if tensor.shape else len(tensor.values)
    if not width or not any(map(len, keys)):
        return np.stack(values)
    ends = np.cumsum([0, *map(len, values)], dtype=np.int32)
    return sparse.csr_matrix((np.concatenate(values), np.concatenate(keys), ends), shape=(len(ends) - 1, width))


def parse(path: Path) -> None:
    for _ in _tensors(path):
        pass


def write_in_a_loop(features: Any) -> io.BytesIO:
    def fill(tensor: Any, row: int) -> None:
        if sparse.issparse(features):
            begin, end = ends[row : row + 2]
            tensor.values.extend(features.data[begin:end].tolist())
            tensor.keys.extend(features.indices[begin:end].tolist())
            tensor.shape.append(features.shape[1])
        else:
            tensor.values.extend(features[row].tolist())

    ends = features.indptr.tolist() if sparse.issparse(features) else []
    return _write(features.shape[0], fill)


def write_as_the_sdk(features: Any) -> io.BytesIO:
    def fill(tensor: Any, number: int) -> None:
        row = features[number]
        if sparse.issparse(features):
            tensor.values.extend(row.data)
            tensor.keys.extend(row.indices.astype(np.uint64))
            tensor.shape.extend([features.shape[1]])
        else:
            tensor.values.extend(row)

    return _write(features.shape[0], fill)


def _tensors(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        while header := file.read(8):
            magic, length = struct.unpack("<II", header)
            assert magic == MAGIC
            message = Record()
            message.ParseFromString(file.read(length))
            file.read(-length % 4)
            yield message.features["values"].float32_tensor


def _write(count: int, fill: Callable[[Any, int], None]) -> io.BytesIO:
    file, message = io.BytesIO(), Record()
    for row in range(count):
        message.Clear()
        fill(message.features["values"].float32_tensor, row)
        payload = message.SerializeToString()
        file.write(struct.pack("<II", MAGIC, len(payload)))
        file.write(payload)
        file.write(bytes(-len(payload) % 4))
    return file
