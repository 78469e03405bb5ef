#!/usr/bin/env python3
"""Measures the panel as a whole process, in a terminal of its own, beside others on the same containers.

    tests/bench/panel.py --nkapp target/release/nkapp [--services 300] [--idle 20] [--peer "lazydocker=PATH" ...]

Counts what can be counted (bytes and processor time while idle, memory) and times what a person waits for (the first
frame, also before any engine answers; a key; a hand-made change on the screen). Times depend on what else the machine
does: only their order of size and the ratios within one run mean anything. Every container made here is removed again.
"""
import argparse, fcntl, json, os, pty, select, shutil, signal, socket, statistics, struct, subprocess, tempfile, termios, threading, time

TICK = os.sysconf("SC_CLK_TCK")
IMAGE = "nk-test/busybox:1"


class Screen:
    """A program in a pseudo-terminal; everything it writes is read at once and kept."""

    def __init__(self, command, folder, environment, columns=160, rows=45):
        self.start = time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8", **environment})
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.bytes = bytearray()

    def read(self, patience):
        """Reads what comes within a time; returns when the first of it came, or None."""
        ready, _, _ = select.select([self.fd], [], [], max(0, patience))
        if not ready:
            return None
        at = time.monotonic()
        try:
            self.bytes += os.read(self.fd, 65536)
        except OSError:
            raise SystemExit("it ended: " + self.bytes[-400:].decode(errors="replace"))
        return at

    def wait(self, text, patience=120):
        """Waits for bytes; returns when they came."""
        end, wanted = time.monotonic() + patience, text.encode()
        while (at := self.read(end - time.monotonic())) is not None:
            if wanted in self.bytes:
                return at
        raise SystemExit(f"{text!r} did not come: {self.bytes[-800:].decode(errors='replace')}")

    def settle(self, quiet=1.5, most=30):
        """Reads until nothing came for a while."""
        end = time.monotonic() + most
        while time.monotonic() < end and self.read(quiet) is not None:
            pass

    def key(self, key, patience=5):
        """Presses a key; returns the milliseconds until the first byte, or None."""
        while self.read(0) is not None:
            pass
        at = time.monotonic()
        os.write(self.fd, key.encode())
        came = self.read(patience)
        return None if came is None else (came - at) * 1000

    def spent(self):
        """Seconds of processor time of the process so far."""
        with open(f"/proc/{self.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def memory(self):
        """Resident megabytes."""
        with open(f"/proc/{self.pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024

    def idle(self, seconds):
        """Share of a core and bytes written while nothing is done."""
        self.settle()
        before, written, end = self.spent(), len(self.bytes), time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.read(left)
        return (self.spent() - before) / seconds * 100, len(self.bytes) - written

    def close(self):
        os.kill(self.pid, signal.SIGTERM)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                self.read(0.05)
            except SystemExit:
                pass
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                os.close(self.fd)
                return
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def silent_engine(folder):
    """An engine that takes every connection and never answers."""
    path = os.path.join(folder, "silent.sock")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    kept = []

    def accept():
        while True:
            kept.append(listener.accept()[0])

    threading.Thread(target=accept, daemon=True).start()
    return "unix://" + path


def project(folder, name, services, provider="docker"):
    """A flat project of sleeping services."""
    lines = [f"name: {name}", "infra:", f"  provider: {provider}", "services:"]
    for number in range(services):
        lines += [f"  s{number:04}:", "    start: sleep 86400"]
        if provider == "docker":
            lines.append(f"    image: {IMAGE}")
    with open(os.path.join(folder, "nanokit.yml"), "w") as file:
        file.write("\n".join(lines) + "\n")


def quantile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def keys(screen, rounds):
    """Milliseconds from a key to the first byte, cursor down and up."""
    times = []
    for number in range(rounds):
        took = screen.key("j" if number % 40 < 20 else "k")
        if took is not None:
            times.append(took)
        time.sleep(0.04)
    return times


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--nkapp", required=True)
    options.add_argument("--services", type=int, default=300)
    options.add_argument("--idle", type=float, default=20)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--peer", action="append", default=[], help="NAME=PATH of another panel for containers")
    given = options.parse_args()
    nkapp = os.path.abspath(given.nkapp)
    folder = tempfile.mkdtemp(prefix="nk-bench-panel-")
    home = {"HOME": folder}
    figures = {}

    # 1. The first frame, while the engine does not answer.
    project(folder, "benchpanel", 1000)
    firsts = []
    for _ in range(given.rounds):
        screen = Screen([nkapp, "ui"], folder, {**home, "DOCKER_HOST": silent_engine(tempfile.mkdtemp(dir=folder))})
        firsts.append((screen.wait("Services") - screen.start) * 1000)
        screen.close()
    figures["first frame, 1,000 services, engine silent (ms, median)"] = statistics.median(firsts)

    # 2. A key, with a thousand services and a silent engine.
    screen = Screen([nkapp, "ui"], folder, {**home, "DOCKER_HOST": silent_engine(tempfile.mkdtemp(dir=folder))})
    screen.wait("s0001")
    screen.settle()
    times = keys(screen, 200)
    figures["key to first byte, 1,000 services (ms, p50)"] = quantile(times, 0.5)
    figures["key to first byte, 1,000 services (ms, p99)"] = quantile(times, 0.99)
    screen.close()

    # 3. Idle beside others, on the same containers.
    project(folder, "benchpanel", given.services)
    subprocess.run([nkapp, "deploy", "-y", "--quiet"], cwd=folder, check=True, env={**os.environ, **home})
    try:
        names = subprocess.run(["docker", "ps", "--filter", "label=nk-project=benchpanel", "-q"],
                               capture_output=True, text=True, check=False).stdout.split()
        screen = Screen([nkapp, "ui"], folder, home)
        first = (screen.wait("s0001") - screen.start) * 1000
        screen.wait("running")
        figures[f"nkapp: first list, {given.services} services (ms)"] = first
        share, written = screen.idle(given.idle)
        figures[f"nkapp: idle, {given.services} services (% of a core)"] = share
        figures["nkapp: idle (bytes written)"] = written
        figures["nkapp: resident (MiB)"] = screen.memory()
        # 4. A change by hand on the screen.
        seen = []
        for number in range(5):
            mark = len(screen.bytes)
            name = f"nk-benchpanel-local-s{number:04}-0"
            subprocess.run(["docker", "rm", "-f", name], capture_output=True, check=True)
            at = time.monotonic()
            # Only cells that change are written: "running" becomes "absent" in every letter.
            while b"absent" not in screen.bytes[mark:]:
                if screen.read(20) is None:
                    raise SystemExit("the change did not come: " + screen.bytes[mark:].decode(errors="replace"))
            seen.append((time.monotonic() - at) * 1000)
        figures["docker rm -f to drift on the screen (ms, median of 5)"] = statistics.median(seen)
        screen.close()
        for peer in given.peer:
            name, path = peer.split("=", 1)
            screen = Screen([os.path.abspath(path)], folder, home)
            came = screen.read(30)
            figures[f"{name}: first byte (ms)"] = (came - screen.start) * 1000 if came else float("nan")
            screen.settle(most=15)
            time.sleep(5)
            share, written = screen.idle(given.idle)
            figures[f"{name}: idle (% of a core)"] = share
            figures[f"{name}: idle (bytes written)"] = written
            figures[f"{name}: resident (MiB)"] = screen.memory()
            screen.close()
        figures["containers"] = len(names)
    finally:
        subprocess.run([nkapp, "clean", "-y", "--force", "--quiet"], cwd=folder, check=False, env={**os.environ, **home})
        shutil.rmtree(folder, ignore_errors=True)
    for name, value in figures.items():
        print(f"{name:62} {value:12.2f}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
