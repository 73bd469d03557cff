"""Requests a second, and how long they take, of the server in app.py on this machine's loopback.

    python examples/server/measure.py

It starts the server with a model of four features, sends some thousand requests of one row each over a few connections
that stay open, prints a table, and ends the server.
"""

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris

from fastmlp import MLPClassifier

FOLDER = Path(__file__).parent


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=4000, help="in all, for each row of the table (%(default)s)")
    n_requests = parser.parse_args().requests
    X, y = load_iris(return_X_y=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        MLPClassifier((64, 64), solver="lbfgs", max_iter=200, random_state=0).fit(X, y).save(path)
        with Server(path) as server:
            print("connections  requests/s   p50 ms   p99 ms")
            for n_connections in (1, 4, 16):
                rate, times = load(server.port, X, n_connections, n_requests)
                p50, p99 = np.percentile(times, [50, 99]) * 1e3
                print(f"{n_connections:11} {rate:11,.0f} {p50:8.2f} {p99:8.2f}")


class Server:
    """uvicorn in a process of its own, on a free port."""

    def __init__(self, model):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [sys.executable, "-m", "uvicorn", "--app-dir", str(FOLDER), "app:app", "--port", str(self.port)]
        self._process = subprocess.Popen([*command, "--log-level", "warning"], env={**os.environ, "MODEL": str(model)})

    def __enter__(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return self
        self.__exit__()
        raise RuntimeError("The server did not start; pip install uvicorn.")

    def __exit__(self, *error):
        self._process.terminate()
        self._process.wait()


def load(port, rows, n_connections, n_requests):
    """Requests a second, and seconds of each, over so many connections at once."""
    times, of_each = [], n_requests // n_connections

    def send_all():
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for number in range(of_each):
            body = json.dumps({"rows": [rows[number % len(rows)].tolist()]})
            start = time.perf_counter()
            connection.request("POST", "/predict", body)
            answer = connection.getresponse()
            content = answer.read()
            times.append(time.perf_counter() - start)
            assert answer.status == 200, content
        connection.close()

    threads = [threading.Thread(target=send_all) for _ in range(n_connections)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return of_each * n_connections / (time.perf_counter() - start), times


if __name__ == "__main__":
    main()
