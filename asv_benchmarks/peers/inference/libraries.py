"""The libraries that predict: each class prepares one problem, as a user of it would for speed.

Its attribute or method `predict` takes nothing, predicts the rows of the problem and returns the outputs, float32. A
"bound" one finds the rows in buffers of the library, and leaves the outputs there.
"""

import os
import struct
import tempfile
from functools import cache, lru_cache, partial

import numpy as np

from .problems import Problem

# Threads of which each library may choose.
THREADS = tuple({"threads": threads} for threads in sorted({1, len(os.sched_getaffinity(0))}))


class Library:
    """What all have in common."""

    variants = THREADS  # keyword arguments, the fastest of which take part
    tolerance = 1e-5  # of outputs
    gives_logits = False  # instead of probabilities

    @staticmethod
    def takes(problem: Problem):
        """Whether it takes part."""
        return True


class Fastmlp(Library):
    """A predictor."""

    weights = "auto"
    writes = False

    def __init__(self, problem, threads):
        predictor = problem.model.compile(weights=self.weights, n_jobs=threads)
        x, out = problem.X, np.empty_like(problem.expected)
        if len(x) == 1:
            function, x, out = predictor.predict_one, x[0], out[0]
        else:
            function = predictor
        self.predict = partial(function, x, out) if self.writes else partial(function, x)


class FastmlpOut(Fastmlp):
    """The same with ``out=``."""

    writes = True


class FastmlpBfloat16(Fastmlp):
    """Compact weights, which single rows of large layers read."""

    weights = "bfloat16"
    tolerance = 0.1

    @staticmethod
    def takes(problem):
        from fastmlp.runtime._engine import MIN_COMPACT_WEIGHTS

        return len(problem.X) == 1 and any(weights.size >= MIN_COMPACT_WEIGHTS for weights, _ in problem.layers)


class FastmlpInt8(FastmlpBfloat16):
    weights = "int8"


class Sklearn(Library):
    def __init__(self, problem, threads):
        limit_blas(threads)
        model = problem.model.to_sklearn()
        self.predict = partial(model.predict_proba if problem.is_classifier else model.predict, problem.X)


class NumPy(Library):
    """By hand, into arrays that are there."""

    def __init__(self, problem, threads):
        limit_blas(threads)
        self.problem = problem
        self.arrays = [np.empty((len(problem.X), len(bias)), np.float32) for _, bias in problem.layers]

    def predict(self):
        a, last = self.problem.X, self.arrays[-1]
        for (weights, bias), z in zip(self.problem.layers, self.arrays, strict=True):
            np.dot(a, weights, out=z)
            np.add(z, bias, out=z)
            if z is not last:
                np.maximum(z, 0, out=z)
            a = z
        if self.problem.is_classifier:
            np.subtract(a, a.max(axis=1, keepdims=True), out=a)
            np.exp(a, out=a)
            np.divide(a, a.sum(axis=1, keepdims=True), out=a)
        return a


class Numba(Library):
    """Compiled functions with loops or ``np.dot``, into arrays that are there."""

    variants = ({"by_dot": False, "threads": 1}, *({"by_dot": True} | threads for threads in THREADS))

    def __init__(self, problem, threads, by_dot):
        limit_blas(threads)
        sizes = (problem.X.shape[1], *(len(bias) for _, bias in problem.layers))
        self.function = numba_network(sizes, problem.is_classifier, by_dot)
        n_rows = len(problem.X)
        self.arguments = (
            problem.X,
            np.concatenate([array.ravel() for layer in problem.layers for array in layer]),
            np.empty((2, n_rows * max(sizes)), np.float32),
            np.empty((n_rows, sizes[-1]), np.float32),
        )

    def predict(self):
        return self.function(*self.arguments)


@cache
def numba_network(sizes, is_classifier, by_dot):
    """A compiled function of X, all weights and biases in one array, two buffers and the outputs."""
    from numba import njit

    n_layers = len(sizes) - 1

    @njit(fastmath=True)
    def dense(a, weights, bias, z, activates):
        if by_dot:
            np.dot(a, weights, z)
        for row in range(a.shape[0]):
            if by_dot:
                for j in range(z.shape[1]):
                    z[row, j] += bias[j]
            else:
                for j in range(z.shape[1]):
                    z[row, j] = bias[j]
                for i in range(a.shape[1]):
                    value = a[row, i]
                    for j in range(z.shape[1]):
                        z[row, j] += value * weights[i, j]
            if activates:
                for j in range(z.shape[1]):
                    z[row, j] = max(z[row, j], np.float32(0))

    @njit(fastmath=True)
    def softmax(z):
        for row in range(z.shape[0]):
            largest, total = z[row].max(), np.float32(0)
            for j in range(z.shape[1]):
                z[row, j] = np.exp(z[row, j] - largest)
                total += z[row, j]
            for j in range(z.shape[1]):
                z[row, j] /= total

    @njit(fastmath=True)
    def network(X, parameters, buffers, out):
        a, place, n_rows = X, 0, X.shape[0]
        for layer in range(n_layers):
            inputs, outputs = sizes[layer], sizes[layer + 1]
            end = place + inputs * outputs
            weights, bias = parameters[place:end].reshape(inputs, outputs), parameters[end : end + outputs]
            place = end + outputs
            is_last = layer == n_layers - 1
            z = out if is_last else buffers[layer % 2, : n_rows * outputs].reshape(n_rows, outputs)
            dense(a, weights, bias, z, not is_last)
            a = z
        if is_classifier:
            softmax(out)
        return out

    return network


class OnnxRuntime(Library):
    def __init__(self, problem, threads):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(onnx_model(problem), options, ["CPUExecutionProvider"])
        self.X, self.out = problem.X, np.empty_like(problem.expected)

    def predict(self):
        return self.session.run(["out"], {"X": self.X})[0]


class OnnxRuntimeBound(OnnxRuntime):
    """With values that are bound to input and output once."""

    def __init__(self, problem, threads):
        super().__init__(problem, threads)
        from onnxruntime import OrtValue

        self.binding = self.session.io_binding()
        self.binding.bind_ortvalue_input("X", OrtValue.ortvalue_from_numpy(self.X))
        self.binding.bind_ortvalue_output("out", OrtValue.ortvalue_from_numpy(self.out))

    def predict(self):
        self.session.run_with_iobinding(self.binding)
        return self.out


@lru_cache(maxsize=1)
def onnx_model(problem):
    """The bytes of a model for as many rows as the problem has."""
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants, a = [], [], "X"
    for number, layer in enumerate(problem.layers, 1):
        names = [f"weights{number}", f"bias{number}"]
        constants += [numpy_helper.from_array(array, name) for array, name in zip(layer, names, strict=True)]
        nodes.append(helper.make_node("Gemm", [a, *names], [f"z{number}"]))
        a = f"a{number}"
        nodes.append(helper.make_node("Relu", [f"z{number}"], [a]))
    nodes[-1] = helper.make_node("Softmax" if problem.is_classifier else "Identity", [f"z{number}"], ["out"])
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape)
        for name, array in (("X", problem.X), ("out", problem.expected))
    ]
    graph = helper.make_graph(nodes, "network", ends[:1], ends[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10).SerializeToString()


class LiteRT(Library):
    """With XNNPACK, which it takes by itself; a model from TensorFlow's converter."""

    def __init__(self, problem, threads):
        from ai_edge_litert.interpreter import Interpreter

        self.interpreter = Interpreter(model_content=litert_model(problem), num_threads=threads)
        self.interpreter.allocate_tensors()
        self.input = self.interpreter.get_input_details()[0]["index"]
        self.output = self.interpreter.get_output_details()[0]["index"]
        self.X = problem.X

    def predict(self):
        self.interpreter.set_tensor(self.input, self.X)
        self.interpreter.invoke()
        return self.interpreter.get_tensor(self.output)


class LiteRTBound(LiteRT):
    """With the rows in the interpreter's own memory, and a view of its outputs."""

    def __init__(self, problem, threads):
        super().__init__(problem, threads)
        self.interpreter.set_tensor(self.input, self.X)
        self.view = self.interpreter.tensor(self.output)

    def predict(self):
        self.interpreter.invoke()
        return self.view()


@lru_cache(maxsize=1)
def litert_model(problem):
    """The bytes of a model for as many rows as the problem has."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"  # errors only
    import tensorflow as tf

    def network(a):
        for weights, bias in problem.layers[:-1]:
            a = tf.nn.relu(tf.matmul(a, weights) + bias)
        weights, bias = problem.layers[-1]
        z = tf.matmul(a, weights) + bias
        return tf.nn.softmax(z) if problem.is_classifier else z

    module = tf.Module()
    module.network = tf.function(network, input_signature=[tf.TensorSpec(problem.X.shape, tf.float32)])
    concrete = module.network.get_concrete_function()
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete], module).convert()


class OpenVINO(Library):
    """The ONNX model, its input bound to the rows. Its default on CPUs that have bfloat16 would be to compute in it."""

    def __init__(self, problem, threads):
        import openvino

        core = openvino.Core()
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "f32",
        }
        compiled = core.compile_model(core.read_model(onnx_model(problem)), "CPU", settings)
        self.request = compiled.create_infer_request()
        self.request.set_input_tensor(openvino.Tensor(problem.X, shared_memory=True))
        self.out = self.request.get_output_tensor().data

    def predict(self):
        self.request.infer(share_outputs=True)
        return self.out


class Torch(Library):
    """From a tensor to a tensor, in inference mode."""

    def __init__(self, problem, threads):
        torch = torch_for_inference()[0]
        torch.set_num_threads(threads)
        steps = []
        for weights, bias in problem.layers:
            dense = torch.nn.Linear(*weights.shape)
            dense.weight.data = torch.from_numpy(np.ascontiguousarray(weights.T))
            dense.bias.data = torch.from_numpy(bias)
            steps += [dense, torch.nn.ReLU()]
        steps[-1:] = [torch.nn.Softmax(1)] if problem.is_classifier else []
        X = torch.from_numpy(problem.X)
        self.predict = partial(self.made(torch, torch.nn.Sequential(*steps).eval(), X), X)

    @staticmethod
    def made(torch, network, X):
        return network


@cache
def torch_for_inference():
    """PyTorch, and its inference mode, which stays as long as the process."""
    import torch

    mode = torch.inference_mode()
    mode.__enter__()
    return torch, mode


class TracedTorch(Torch):
    """The same, traced and frozen."""

    @staticmethod
    def made(torch, network, X):
        return torch.jit.freeze(torch.jit.trace(network, X))


class Jax(Library):
    """A jitted function with the weights in it, from an array of its own to one."""

    def __init__(self, problem, threads):
        import jax

        def network(a):
            for weights, bias in problem.layers[:-1]:
                a = jax.nn.relu(a @ weights + bias)
            weights, bias = problem.layers[-1]
            z = a @ weights + bias
            return jax.nn.softmax(z) if problem.is_classifier else z

        self.jitted = jax.jit(network, compiler_options={"xla_cpu_multi_thread_eigen": threads > 1})
        self.X = jax.numpy.asarray(problem.X)

    def predict(self):
        return self.jitted(self.X).block_until_ready()


class Mlpfile(Library):
    """One row, by one thread. It has no softmax, so classifiers end with logits, which is less work."""

    variants = ({},)
    gives_logits = True

    def __init__(self, problem):
        import mlpfile

        with tempfile.NamedTemporaryFile() as file:
            file.write(mlpfile_bytes(problem.layers))
            file.flush()
            model = mlpfile.Model.load(file.name)
        self.predict = partial(model.forward, problem.X[0])

    @staticmethod
    def takes(problem):
        return len(problem.X) == 1


def mlpfile_bytes(layers):
    """A model file: numbers of steps and inputs; kinds of steps (2 dense, with its outputs; 3 ReLU); parameters."""
    numbers = [2 * len(layers) - 1, len(layers[0][0])]
    for _, bias in layers:
        numbers += [2, len(bias), 3]
    parameters = [array.tobytes() for weights, bias in layers for array in (np.ascontiguousarray(weights.T), bias)]
    return struct.pack(f"<{len(numbers) - 1}I", *numbers[:-1]) + b"".join(parameters)


def limit_blas(threads):
    from threadpoolctl import threadpool_limits

    threadpool_limits(threads, user_api="blas")


LIBRARIES = {
    "fastmlp": Fastmlp,
    "fastmlp, out=": FastmlpOut,
    "fastmlp, bfloat16": FastmlpBfloat16,
    "fastmlp, int8": FastmlpInt8,
    "scikit-learn": Sklearn,
    "NumPy": NumPy,
    "Numba": Numba,
    "ONNX Runtime": OnnxRuntime,
    "ONNX Runtime, bound": OnnxRuntimeBound,
    "LiteRT": LiteRT,
    "LiteRT, bound": LiteRTBound,
    "OpenVINO": OpenVINO,
    "PyTorch": Torch,
    "PyTorch, traced": TracedTorch,
    "JAX": Jax,
    "mlpfile": Mlpfile,
}
