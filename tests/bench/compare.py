#!/usr/bin/env python3
"""Measures nkapp beside Docker Compose on the same projects, in one run, and counts the calls each makes.

    tests/bench/compare.py --nkapp target/release/nkapp --compose target/tools/docker-compose [--rounds 5]

Wall times are medians of interleaved rounds, so that what else the machine does falls on both; only their ratio
means anything. Calls are counted in a round of their own, through a proxy on the engine's socket that counts every
HTTP request line. Every object made here is removed again.
"""
import argparse, json, os, re, shutil, socket, statistics, subprocess, sys, tempfile, threading, time

ENGINE = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
IMAGE = "nk-test/busybox:1"
REQUEST = re.compile(rb"(?:^|\n)(GET|POST|PUT|DELETE|HEAD) (\S+) HTTP/1\.[01]\r\n")


class CountingProxy:
    """Forwards a unix socket to the engine's and keeps every request line that passes."""

    def __init__(self, path):
        self.path, self.requests, self.lock = path, [], threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(256)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(ENGINE)
            threading.Thread(target=self.pump, args=(client, engine, True), daemon=True).start()
            threading.Thread(target=self.pump, args=(engine, client, False), daemon=True).start()

    def pump(self, source, sink, counted):
        carry = b""
        try:
            while chunk := source.recv(65536):
                if counted:
                    seen = carry + chunk
                    with self.lock:
                        end = 0
                        for match in REQUEST.finditer(seen):
                            self.requests.append(f"{match[1].decode()} {match[2].decode().split('?')[0]}")
                            end = match.end()
                    carry = seen[end:][-4096:]
                sink.sendall(chunk)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def take(self):
        with self.lock:
            taken, self.requests = self.requests, []
        return taken


def service(name, depends=None, check=False):
    body = {"image": IMAGE, "stop_grace_period": "1s"}
    if depends:
        body["depends_on"] = {depends: {"condition": "service_healthy"}}
    if check:
        body["healthcheck"] = {"test": ["CMD", "true"], "interval": "200ms", "timeout": "5s", "retries": 10}
    return name, body


def projects(port_free=True):
    flat = dict(service(f"s{n:02}") for n in range(16))
    flat6 = dict(service(f"c{n}", check=True) for n in range(6))
    chain = dict(service(f"c{n}", depends=f"c{n - 1}" if n else None, check=True) for n in range(6))
    return {"flat16": flat, "flat6-healthy": flat6, "chain6-healthy": chain}


def write(folder, name, services):
    os.makedirs(folder)
    compose = {k: {**v, "command": ["sleep", "100000"], "init": True} for k, v in services.items()}
    with open(f"{folder}/compose.yaml", "w") as f:
        json.dump({"name": f"cmp-{name}", "services": compose}, f)
    ours = {}
    for key, value in services.items():
        body = {**value, "start": ["sleep", "100000"]}
        if "depends_on" in body:
            body["depends_on"] = {d: {"condition": "healthy"} for d in body["depends_on"]}
        ours[key] = body
    with open(f"{folder}/nanokit.yml", "w") as f:
        json.dump({"name": f"cmp-{name}", "infra": {"provider": "docker"}, "services": ours}, f)


def run(argv, folder, host=None):
    env = {k: v for k, v in os.environ.items() if k != "DOCKER_HOST"}
    env["DOCKER_HOST"] = f"unix://{host or ENGINE}"
    started = time.monotonic()
    done = subprocess.run(argv, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    took = time.monotonic() - started
    if done.returncode:
        sys.exit(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout.decode(errors='replace')}")
    return took


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("--nkapp", required=True)
    ask.add_argument("--compose", required=True)
    ask.add_argument("--rounds", type=int, default=5)
    ask.add_argument("--only")
    ask.add_argument("--calls", action="store_true", help="print every call of the counted round")
    args = ask.parse_args()
    nkapp, compose = os.path.abspath(args.nkapp), os.path.abspath(args.compose)
    tools = {
        "nkapp": ([nkapp, "deploy", "-y"], [nkapp, "deploy", "-y"], [nkapp, "destroy", "-y"]),
        "compose": ([compose, "up", "-d", "--wait"], [compose, "up", "-d", "--wait"], [compose, "down"]),
        "compose (no --wait)": ([compose, "up", "-d"], [compose, "up", "-d"], [compose, "down"]),
    }
    base = tempfile.mkdtemp(prefix="nkcmp-")
    proxy = CountingProxy(f"{base}/proxy.sock")
    try:
        for name, services in projects().items():
            if args.only and args.only not in name:
                continue
            folder = f"{base}/{name}"
            write(folder, name, services)
            times = {tool: {"first": [], "no-op": [], "down": []} for tool in tools}
            for _ in range(args.rounds):
                for tool, (up, again, down) in tools.items():
                    times[tool]["first"].append(run(up, folder))
                    for _ in range(3):
                        times[tool]["no-op"].append(run(again, folder))
                    times[tool]["down"].append(run(down, folder))
            calls = {}
            for tool, (up, again, down) in tools.items():
                proxy.take()
                calls[tool] = {}
                for word, argv in (("first", up), ("no-op", again), ("down", down)):
                    run(argv, folder, proxy.path)
                    taken = proxy.take()
                    calls[tool][word] = len(taken)
                    if args.calls and tool == "nkapp":
                        print(f"  {name} {word}:", *sorted(taken), sep="\n    ")
            print(f"\n### {name} ({len(services)} services)\n")
            print("| tool | first | no-op | down | calls first | calls no-op | calls down |\n|---|---|---|---|---|---|---|")
            for tool in tools:
                t = {k: statistics.median(v) for k, v in times[tool].items()}
                c = calls[tool]
                print(f"| {tool} | {t['first']:.2f} s | {t['no-op'] * 1000:.0f} ms | {t['down']:.2f} s | {c['first']} | {c['no-op']} | {c['down']} |")
            ratio = {w: statistics.median(times["nkapp"][w]) / statistics.median(times["compose"][w]) for w in ("first", "no-op", "down")}
            print("| nkapp / compose | " + " | ".join(f"{ratio[w]:.2f}" for w in ("first", "no-op", "down")) + " | | | |")
            sys.stdout.flush()
    finally:
        shutil.rmtree(base, ignore_errors=True)


main()
