#!/usr/bin/env python3
"""Sends the traces of a deploy to receivers that speak TLS, by HTTP and by gRPC.

    python3 tests/trials/tls.py [--nkapp target/debug/nkapp]

Needs a program built with `--features otlp-tls`, the command `openssl`, and `pip install grpcio opentelemetry-proto`. A
certificate authority of the trial's own signs for `localhost`. What a receiver gets must hold the whole run when the
authority is trusted (`SSL_CERT_FILE`); when it is not, nothing arrives, the deploy succeeds all the same and says why.
"""
import argparse
import concurrent.futures
import http.server
import os
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import threading

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc as logs_grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as trace_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

FILE = """
name: tls
infra: { provider: process }
services:
  a: { start: [sleep, '4711'] }
  b: { start: [sleep, '4711'], depends_on: [a] }
"""
WANTED = {"nkapp deploy", "layer 1", "layer 2"}


def certificates(folder):
    """An authority, and a key and certificate for localhost that it signed."""
    run = lambda *words: subprocess.run(words, cwd=folder, check=True, capture_output=True)
    key = ["-newkey", "rsa:2048", "-nodes"]
    run("openssl", "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=trial", "-days", "2")
    run("openssl", "req", *key, "-keyout", "own.key", "-out", "own.csr", "-subj", "/CN=localhost")
    (folder / "ext").write_text("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
    run(*"openssl x509 -req -in own.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out own.pem".split())


def names(request):
    return [span.name for of in request.resource_spans for scope in of.scope_spans for span in scope.spans]


def by_http(folder, kept):
    class Takes(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path.endswith("traces"):
                kept.extend(names(ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Takes)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "own.pem", folder / "own.key")
    # The handshake is the connection's own business: one that is refused must not end the server.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.handle_error = lambda *_: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def by_grpc(folder, kept):
    class Spans(trace_grpc.TraceServiceServicer):
        def Export(self, request, _):
            kept.extend(names(request))
            return ExportTraceServiceResponse()

    class Logs(logs_grpc.LogsServiceServicer):
        def Export(self, *_):
            return ExportLogsServiceResponse()

    class Metrics(metrics_grpc.MetricsServiceServicer):
        def Export(self, *_):
            return ExportMetricsServiceResponse()

    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    trace_grpc.add_TraceServiceServicer_to_server(Spans(), server)
    logs_grpc.add_LogsServiceServicer_to_server(Logs(), server)
    metrics_grpc.add_MetricsServiceServicer_to_server(Metrics(), server)
    pair = ((folder / "own.key").read_bytes(), (folder / "own.pem").read_bytes())
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    server.start()
    by_grpc.servers.append(server)
    return port


by_grpc.servers = []


def deploy(nkapp, folder, protocol, port, trusted):
    project = folder / f"{protocol.replace('/', '-')}-{trusted}"
    project.mkdir()
    (project / "nanokit.yml").write_text(FILE)
    env = {
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://localhost:{port}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
    }
    if trusted:
        env["SSL_CERT_FILE"] = str(folder / "ca.pem")
    run = lambda *words: subprocess.run([nkapp, *words], cwd=project, env=env, capture_output=True, text=True, timeout=120)
    done = run("deploy", "-y", "-v")
    run("clean", "-y", "--force")
    return done


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("--nkapp", default="target/debug/nkapp")
    nkapp = os.path.abspath(ask.parse_args().nkapp)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="nk-tls-"))
    faults = []
    try:
        certificates(folder)
        for protocol, serve in [("http/protobuf", by_http), ("grpc", by_grpc)]:
            for trusted in (True, False):
                kept = []
                done = deploy(nkapp, folder, protocol, serve(folder, kept), trusted)
                said = [line for line in done.stderr.splitlines() if line.startswith("traces: ")]
                print(f"{protocol}, trusted {trusted}: exit {done.returncode}, {len(kept)} spans, said {said}")
                if done.returncode != 0:
                    faults.append(f"{protocol}: the deploy failed: {done.stderr}")
                if trusted and (missing := WANTED - set(kept)):
                    faults.append(f"{protocol}: {missing} are missing of {sorted(set(kept))}")
                if trusted == bool(said):
                    faults.append(f"{protocol}, trusted {trusted}: {said}")
                if not trusted and kept:
                    faults.append(f"{protocol}: sent to one who is not trusted")
    finally:
        for server in by_grpc.servers:
            server.stop(None)
        shutil.rmtree(folder, ignore_errors=True)
    raise SystemExit("\n".join(faults) or None)


main()
