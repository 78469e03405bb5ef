#!/usr/bin/env python3
"""What traces cost, and whether a real collector takes them.

usage: tests/bench/traces.py [RUNS]       (needs target/release/nkapp, or NKAPP=path)

Deploys a project of ten services on host processes again and again: without traces, with a receiver that takes
everything, with one that never answers, with one that is not there; in turn, so that a busy machine is busy for all of
them. Prints the medians of run and process and their ratios to the first. Where the collector `rotel` is found (ROTEL=path of
rotel-agent, from `pip install rotel==0.0.1a15`), a deploy is sent to it by HTTP and by gRPC, and what it printed is
compared with the run's own file.
"""

import glob
import http.server
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

NKAPP = os.path.abspath(os.environ.get("NKAPP", "target/release/nkapp"))
SERVICES = 10


def project(folder):
    lines = ["name: bench", "infra: { provider: process }", "services:"]
    for n in range(SERVICES):
        lines += [
            f"  s{n}:",
            "    start: [sh, -c, 'exec sleep 600']",
            "    healthcheck: { test: [CMD, 'true'], interval: 100ms }",
            "    hooks: { poststart: 'seq 200' }",
        ]
        if n >= 5:
            lines.append(f"    depends_on: [s{n - 5}]")
    with open(os.path.join(folder, "nanokit.yml"), "w") as file:
        file.write("\n".join(lines) + "\n")


def run(folder, words, extra):
    env = {
        "HOME": folder,
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "USER": "bench",
        "DOCKER_HOST": "unix:///nowhere",
        **extra,
    }
    began = time.monotonic()
    done = subprocess.run([NKAPP, *words], cwd=folder, env=env, capture_output=True, text=True)
    took = time.monotonic() - began
    if done.returncode != 0:
        sys.exit(f"nkapp {words} ended with {done.returncode}\n{done.stderr}")
    return took


def deploy(extra):
    folder = tempfile.mkdtemp(prefix="nk-traces-")
    try:
        project(folder)
        took = run(folder, ["deploy", "-y", "-q"], extra)
        newest = max(glob.glob(os.path.join(folder, ".nanokit/runs/*.jsonl")))
        with open(newest) as file:
            events = [json.loads(line) for line in file]
        run(folder, ["clean", "-y", "--force", "-q"], {})
        return took, events
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Sink(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def silent():
    """A port that takes connections and never answers."""
    listener = socket.create_server(("127.0.0.1", 0))

    def hold():
        held = []
        while True:
            held.append(listener.accept())

    threading.Thread(target=hold, daemon=True).start()
    return listener.getsockname()[1]


def cost(runs):
    sink = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    gone = socket.create_server(("127.0.0.1", 0))
    free = gone.getsockname()[1]
    gone.close()
    at = lambda port: {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}
    ways = {
        "without traces": {},
        "a receiver takes everything": at(sink.server_address[1]),
        "a receiver never answers": at(silent()),
        "no receiver is there": at(free),
    }
    took = {name: [] for name in ways}
    for _ in range(runs):
        for name, extra in ways.items():
            whole, events = deploy(extra)
            took[name].append((events[-1]["duration_ms"] / 1000, whole))
    median = lambda name, which: statistics.median(both[which] for both in took[name])
    for name in ways:
        cells = []
        for which, word in enumerate(("run", "process")):
            usual = median("without traces", which)
            cells.append(f"{word} {median(name, which):6.3f} s (x {median(name, which) / usual:4.2f})")
        print(f"{name:30} {'   '.join(cells)}")


def collector(rotel, protocol):
    http_port, grpc_port = 14318, 14317
    command = [rotel, "start", "--otlp-http-endpoint", f"127.0.0.1:{http_port}"]
    command += ["--otlp-grpc-endpoint", f"127.0.0.1:{grpc_port}", "--exporter", "blackhole"]
    command += ["--debug-log", "traces", "--debug-log-verbosity", "detailed"]
    log = tempfile.TemporaryFile("w+")
    agent = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        port = grpc_port if protocol == "grpc" else http_port
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        extra = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        }
        _, events = deploy(extra)
        time.sleep(1)
    finally:
        agent.terminate()
        agent.wait()
    log.seek(0)
    printed = log.read()
    wanted = {event["step"] for event in events if event["kind"] == "step_finished"}
    missing = sorted(step for step in wanted if step not in printed)
    spans = len(re.findall(r"Span #\d+|Trace ID", printed))
    trace = events[0]["trace_id"]
    verdict = "ok" if not missing and trace in printed else f"MISSING {missing}"
    print(f"rotel by {protocol:14} {len(wanted)} steps, {spans} spans printed, trace {trace}: {verdict}")
    return not missing


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    if runs:
        cost(runs)
    rotel = os.environ.get("ROTEL") or shutil.which("rotel-agent")
    if not rotel:
        print("rotel is not here: no real collector was asked")
        return
    if not all([collector(rotel, protocol) for protocol in ("http/protobuf", "grpc")]):
        sys.exit(1)


if __name__ == "__main__":
    main()
