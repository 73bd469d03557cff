"""A model file behind HTTP: an ASGI application without a framework.

    MODEL=model.safetensors uvicorn --app-dir examples/server app:app

    curl -d '{"rows": [[5.1, 3.5, 1.4, 0.2]]}' http://127.0.0.1:8000/predict

``POST /predict`` takes JSON with "rows", each a list of numbers or an object of feature names and values, and answers
with "outputs", one for each row. ``GET /`` says what the model takes. A request that cannot be answered gets status 400
and one sentence.
"""

import json
import os

import numpy as np

import fastmlp

# Of a request's body.
MAX_BYTES = 1 << 20


class RefusedError(Exception):
    """A request that is not answered, with its HTTP status."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def make_app(path):
    """The application that answers for a model file."""
    predictor = fastmlp.load(path)
    about = {
        "features": predictor.n_features,
        "feature_names": predictor.feature_names,
        "outputs": predictor.out,
        "classes": None if predictor.classes is None else [np.asarray(part).tolist() for part in predictor.classes],
    }

    def answer(method, route, body):
        if (method, route) == ("GET", "/"):
            return about
        if (method, route) != ("POST", "/predict"):
            raise RefusedError(404, "There is POST /predict and GET / only.")
        try:
            rows = json.loads(body)["rows"]
            if len(rows) == 1:
                outputs = [predictor.predict_one(rows[0])]
            elif isinstance(rows[0], dict):
                outputs = [predictor.predict_one(row) for row in rows]
            else:
                outputs = predictor(rows)
            outputs = [np.asarray(output).tolist() for output in outputs]
            json.dumps(outputs, allow_nan=False)
        except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
            raise RefusedError(400, f'Send {{"rows": [[...], ...]}}: {error}') from error
        return {"outputs": outputs}

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            await live(receive, send)
            return
        try:
            status, content = 200, answer(scope["method"], scope["path"], await whole_body(receive))
        except RefusedError as refusal:
            status, content = refusal.status, {"error": str(refusal)}
        body = json.dumps(content).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


async def whole_body(receive):
    """The bytes of a request."""
    body, goes_on = b"", True
    while goes_on:
        message = await receive()
        body += message.get("body", b"")
        goes_on = message.get("more_body", False)
        if len(body) > MAX_BYTES:
            raise RefusedError(413, f"A request may have {MAX_BYTES} bytes; send fewer rows.")
    return body


async def live(receive, send):
    """Tell the server that there is nothing to start or to end."""
    while True:
        event = (await receive())["type"]
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return


if "MODEL" in os.environ:
    app = make_app(os.environ["MODEL"])
