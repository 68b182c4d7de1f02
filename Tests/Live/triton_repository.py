"""Triton's example repository, made with the package `onnx`: the models that the examples of Triton's clients ask."""

import pathlib

from onnx import TensorProto, checker, helper, save

SEQUENCE = """
sequence_batching {
  max_sequence_idle_microseconds: 5000000
  control_input [
    { name: "START" control [ { kind: CONTROL_SEQUENCE_START int32_false_true: [ 0, 1 ] } ] },
    { name: "READY" control [ { kind: CONTROL_SEQUENCE_READY int32_false_true: [ 0, 1 ] } ] }
  ]
}
"""

DYNAMIC_SEQUENCE = """
sequence_batching {
  oldest { max_candidate_sequences: 4 }
  max_sequence_idle_microseconds: 5000000
  control_input [
    { name: "START" control [ { kind: CONTROL_SEQUENCE_START int32_false_true: [ 0, 1 ] } ] },
    { name: "END" control [ { kind: CONTROL_SEQUENCE_END int32_false_true: [ 0, 1 ] } ] },
    { name: "CORRID" control [ { kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_UINT64 } ] }
  ]
}
"""

STRING_SEQUENCE = """
sequence_batching {
  max_sequence_idle_microseconds: 5000000
  control_input [
    { name: "END" control [ { kind: CONTROL_SEQUENCE_END int32_false_true: [ 0, 1 ] } ] },
    { name: "CORRID" control [ { kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_STRING } ] }
  ]
  state [ { input_name: "TOTAL" output_name: "NEXT" data_type: TYPE_INT32 dims: [ 1 ] } ]
}
"""


def write(folder):
    for name, kind in (("simple", "INT32"), ("simple_int8", "INT8")):
        add(folder, name, kind, arithmetic("INPUT0", "INPUT1", "OUTPUT0", "OUTPUT1"), 16)
    add(folder, "simple_string", "STRING", [
        cast("INPUT0", "a", "INT32"), cast("INPUT1", "b", "INT32"), *arithmetic("a", "b", "c", "d"),
        cast("c", "OUTPUT0", "STRING"), cast("d", "OUTPUT1", "STRING")], 16)
    add(folder, "simple_identity", "STRING", [helper.make_node("Identity", ["INPUT0"], ["OUTPUT0"])], -1, count=1)
    add(folder, "simple_sequence", "INT32", [
        helper.make_node("Add", ["INPUT", "START"], ["OUTPUT"]), helper.make_node("Identity", ["READY"], ["UNUSED"])],
        1, hidden=(("START", "INT32"), ("READY", "INT32")), settings=SEQUENCE)
    # The last answer of a sequence has its name, a number, added.
    added = [cast("CORRID", "id", "INT32"), helper.make_node("Mul", ["id", "END"], ["added"])]
    add(folder, "simple_dyna_sequence", "INT32", [
        helper.make_node("Add", ["INPUT", "START"], ["started"]), *added,
        helper.make_node("Add", ["started", "added"], ["OUTPUT"])],
        1, hidden=(("START", "INT32"), ("END", "INT32"), ("CORRID", "UINT64")), settings=DYNAMIC_SEQUENCE)
    add(folder, "simple_string_dyna_sequence", "INT32", [
        helper.make_node("Add", ["TOTAL", "INPUT"], ["NEXT"]), *added,
        helper.make_node("Add", ["NEXT", "added"], ["OUTPUT"])],
        1, hidden=(("TOTAL", "INT32"), ("END", "INT32"), ("CORRID", "STRING")), states=("NEXT",),
        settings=STRING_SEQUENCE)


def arithmetic(a, b, total, difference):
    return [helper.make_node("Add", [a, b], [total]), helper.make_node("Sub", [a, b], [difference])]


def cast(source, target, kind):
    return helper.make_node("Cast", [source], [target], to=getattr(TensorProto, kind))


def add(folder, name, kind, nodes, size, count=2, hidden=(), states=(), settings=""):
    """A model over tensors [batch, size] with its config.pbtxt."""
    if settings:
        inputs, outputs = ["INPUT"], ["OUTPUT"]
    else:
        inputs, outputs = ([f"{word}{i}" for i in range(count)] for word in ("INPUT", "OUTPUT"))
    path = pathlib.Path(folder, name)
    (path / "1").mkdir(parents=True)
    shape = ["batch", size if size > 0 else "size"]

    def value(tensor, its_kind=kind):
        return helper.make_tensor_value_info(tensor, getattr(TensorProto, its_kind), shape)

    graph = helper.make_graph(
        nodes, name, [value(i) for i in inputs] + [value(i, its_kind) for i, its_kind in hidden],
        [value(o) for o in (*outputs, *states)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    checker.check_model(model)
    save(model, str(path / "1" / "model.onnx"))
    (path / "config.pbtxt").write_text(
        f'name: "{name}"\nplatform: "onnxruntime_onnx"\nmax_batch_size: 8\n'
        + "".join(f'input {{ name: "{i}" data_type: TYPE_{kind} dims: [ {size} ] }}\n' for i in inputs)
        + "".join(f'output {{ name: "{o}" data_type: TYPE_{kind} dims: [ {size} ] }}\n' for o in outputs) + settings)
