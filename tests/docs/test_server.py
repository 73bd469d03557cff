"""The server of the examples, called as an ASGI server calls it."""

import asyncio
import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from fastmlp import MLPClassifier, MLPRegressor

pytest.importorskip("safetensors")
FILE = Path(__file__).parents[2] / "examples" / "server" / "app.py"
pytestmark = [
    pytest.mark.skipif(not FILE.exists(), reason="without the examples"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]
X = np.random.default_rng(0).normal(size=(40, 3))


@pytest.fixture
def ask(tmp_path):
    """Answers of the application for a model: (status, content) of a request."""
    make_app = runpy.run_path(str(FILE))["make_app"]

    def of_model(model):
        model.save(tmp_path / "model")
        app = make_app(tmp_path / "model")

        def request(method, path, *parts):
            sent, parts = [], list(parts) or [b""]

            async def receive():
                return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

            async def send(message):
                sent.append(message)

            asyncio.run(app({"type": "http", "method": method, "path": path}, receive, send))
            assert dict(sent[0]["headers"])[b"content-length"] == str(len(sent[1]["body"])).encode()
            return sent[0]["status"], json.loads(sent[1]["body"])

        return request

    return of_model


def body(rows):
    return json.dumps({"rows": rows}).encode()


@pytest.mark.parametrize("n_rows", [1, 5])
def test_probabilities(ask, n_rows):
    model = MLPClassifier((4,), max_iter=3, random_state=0).fit(X, np.array(["a", "b"])[(X[:, 0] > 0).astype(int)])
    status, content = ask(model)("POST", "/predict", body(X[:n_rows].tolist()))
    assert status == 200
    np.testing.assert_allclose(content["outputs"], model.predict_proba(X[:n_rows]), atol=1e-12)


def test_rows_by_name_and_a_body_in_parts(ask):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abc"))
    model = MLPRegressor(hidden_layer_sizes=(4,), max_iter=3, random_state=0).fit(frame, X[:, 0])
    whole = body(frame[:3].to_dict("records"))
    status, content = ask(model)("POST", "/predict", whole[:20], whole[20:])
    assert status == 200
    np.testing.assert_allclose(np.ravel(content["outputs"]), model.predict(frame[:3]), atol=1e-12)


def test_what_it_is(ask):
    model = MLPClassifier((4,), max_iter=3, random_state=0).fit(X, X[:, 0] > 0)
    status, content = ask(model)("GET", "/")
    assert status == 200
    assert content == {"features": 3, "feature_names": None, "outputs": "proba", "classes": [False, True]}


REFUSED = {
    "no JSON": (b"{", 400),
    "no rows": (b"{}", 400),
    "an empty list": (body([]), 400),
    "too short a row": (body([[1.0]]), 400),
    "words": (body([["a", "b", "c"]]), 400),
    "nothing where a number has to be": (body([[1.0, None, 2.0]]), 400),
    "not a number": (body([[1.0, float("nan"), 2.0]]), 400),
    "deep": (b"[" * 100_000, 400),
    "large": (b" " * (1 << 21), 413),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(what, ask):
    model = MLPClassifier((4,), max_iter=3, random_state=0).fit(X, X[:, 0] > 0)
    content, expected = REFUSED[what]
    status, answer = ask(model)("POST", "/predict", content)
    assert status == expected
    assert set(answer) == {"error"}


def test_other_routes(ask):
    model = MLPClassifier((4,), max_iter=3, random_state=0).fit(X, X[:, 0] > 0)
    assert ask(model)("GET", "/predict")[0] == 404
    assert ask(model)("POST", "/elsewhere")[0] == 404


def test_start_and_end(tmp_path):
    MLPClassifier((4,), max_iter=3, random_state=0).fit(X, X[:, 0] > 0).save(tmp_path / "model")
    app, sent = runpy.run_path(str(FILE))["make_app"](tmp_path / "model"), []
    events = ["lifespan.startup", "lifespan.shutdown"]

    async def receive():
        return {"type": events.pop(0)}

    async def send(message):
        sent.append(message["type"])

    asyncio.run(app({"type": "lifespan"}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
