#!/usr/bin/env python3
"""Measures the panel as a whole process, in a terminal of its own, beside others on the same containers.

    tests/bench/panel.py --nkapp target/release/nkapp [--services 300] [--idle 20] [--peer "lazydocker=PATH" ...]

Counts what can be counted (bytes and processor time while idle, memory, lines given up, frames) and times what a person
waits for (the first frame, also before any engine answers; a key; a hand-made change on the screen). Times depend on what
else the machine does: only their order of size and the ratios within one run mean anything. The project has the process
id in its name, and every container made here is removed again on every way out; what could not be removed is said.
`--only` names parts of it: first, load, docker.
"""
import argparse, fcntl, json, os, pty, re, select, shutil, signal, socket, struct, subprocess, sys, tempfile, termios
import threading, time, unicodedata
from statistics import median

TICK = os.sysconf("SC_CLK_TCK")
IMAGE = "nk-test/busybox:1"
FRAME = b"\x1b[?2026h"
# What the talker runs: writes lines at the pace a file names, and says in another how many it wrote.
TALKER = """
import os, sys, time
written, pace, due, then, said = 0, 0, 0.0, time.monotonic(), 0.0
while True:
    now = time.monotonic()
    if now - said > 0.05:
        with open("written.new", "w") as file:
            file.write(str(written))
        os.replace("written.new", "written")
        with open("pace") as file:
            pace = int(file.read() or 0)
        said = now
    due, then = min(due + (now - then) * pace, pace / 20 + 1), now
    if due >= 1:
        sys.stdout.write("".join(f"line {written + n:08} of one who talks a lot\\n" for n in range(int(due))))
        sys.stdout.flush()
        written, due = written + int(due), due % 1
    time.sleep(0.002)
"""


class Screen:
    """A program in a pseudo-terminal; everything it writes is read at once, kept, and shown on a screen of cells."""

    opened = []

    def __init__(self, command, folder, environment, columns=160, rows=45):
        self.cells, self.at, self.half = [[" "] * columns for _ in range(rows)], [0, 0], ""
        self.start = time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8", **environment})
        Screen.opened.append(self)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.bytes = bytearray()

    def read(self, patience):
        """Reads what comes within a time; returns when the first of it came, or None."""
        ready, _, _ = select.select([self.fd], [], [], max(0, patience))
        if not ready:
            return None
        at = time.monotonic()
        try:
            came = os.read(self.fd, 65536)
        except OSError:
            came = b""
        if not came:
            raise SystemExit("it ended: " + self.bytes[-400:].decode(errors="replace"))
        self.bytes += came
        return at

    def show(self, since):
        """Brings the cells up to date with the bytes since a mark; returns the new mark."""
        text = self.half + self.bytes[since:].decode(errors="ignore")
        self.half = ""
        for part in re.finditer(r"\x1b\[([?\d;]*)([A-Za-z])|\x1b(?:\[[?\d;]*)?$|([^\x1b])", text):
            numbers, last, letter = part.groups()
            row, column = self.at
            if letter and letter >= " ":
                wide = 2 if unicodedata.east_asian_width(letter) in "WF" else 1
                if row < len(self.cells) and column < len(self.cells[0]):
                    self.cells[row][column] = letter
                self.at[1] += wide
            elif last == "H":
                place = [int(number or 1) - 1 for number in (numbers or "1;1").split(";")]
                self.at = (place + [0])[:2]
            elif last == "J":
                self.cells = [[" "] * len(self.cells[0]) for _ in self.cells]
            elif last == "K" and row < len(self.cells):
                self.cells[row][column:] = [" "] * (len(self.cells[0]) - column)
            elif last in ("C", "D"):
                self.at[1] += int(numbers or 1) * (1 if last == "C" else -1)
            elif last in ("A", "B"):
                self.at[0] += int(numbers or 1) * (1 if last == "B" else -1)
            elif last is None and letter is None:
                self.half = part.group()
        return len(self.bytes)

    def lines(self):
        return ["".join(row) for row in self.cells]

    def until(self, seen, patience=60, mark=None):
        """Reads until the screen shows it; returns when that was on the screen."""
        end, mark = time.monotonic() + patience, self.mark() if mark is None else mark
        at = time.monotonic()
        while not seen(self.lines()):
            at = self.read(end - time.monotonic())
            if at is None:
                raise SystemExit("it did not come; the screen is\n" + "\n".join(self.lines()))
            mark = self.show(mark)
        self.shown = mark
        return at

    def mark(self):
        """Brings the screen up to date; returns how far."""
        self.shown = self.show(getattr(self, "shown", 0))
        return self.shown

    def wait(self, text, patience=120):
        """Waits for a text on the screen; returns when it was there."""
        return self.until(lambda lines: any(text in line for line in lines), patience)

    def settle(self, quiet=1.5, most=30):
        """Reads until nothing came for a while."""
        end = time.monotonic() + most
        while time.monotonic() < end and self.read(quiet) is not None:
            pass

    def press(self, key):
        os.write(self.fd, key.encode())

    def spent(self):
        """Seconds of processor time of the process so far."""
        with open(f"/proc/{self.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def memory(self):
        """Resident megabytes."""
        with open(f"/proc/{self.pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024

    def frames(self, since):
        return self.bytes.count(FRAME, since)

    def idle(self, seconds):
        """Share of a core and bytes written while nothing is done."""
        self.settle()
        before, written, end = self.spent(), len(self.bytes), time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.read(left)
        return (self.spent() - before) / seconds * 100, len(self.bytes) - written

    def close(self):
        if self in Screen.opened:
            Screen.opened.remove(self)
        else:
            return
        os.kill(self.pid, signal.SIGTERM)
        end = time.monotonic() + 30
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
    path = os.path.join(tempfile.mkdtemp(dir=folder), "silent.sock")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    kept = []

    def accept():
        while True:
            kept.append(listener.accept()[0])

    threading.Thread(target=accept, daemon=True).start()
    return "unix://" + path


class Bench:
    """What is measured with, and what came of it."""

    def __init__(self, given, folder):
        self.given, self.folder, self.figures = given, folder, {}
        self.nkapp, self.name = os.path.abspath(given.nkapp), f"benchpanel{os.getpid()}"
        self.home = {"HOME": folder}

    def project(self, services, provider="docker", extra=()):
        """A flat project of sleeping services."""
        lines = [f"name: {self.name}", "infra:", f"  provider: {provider}", "services:", *extra]
        for number in range(services - bool(extra)):
            lines += [f"  s{number:04}:", "    start: sleep 86400"]
            if provider == "docker":
                lines.append(f"    image: {IMAGE}")
        with open(os.path.join(self.folder, "nanokit.yml"), "w") as file:
            file.write("\n".join(lines) + "\n")

    def panel(self, **environment):
        return Screen([self.nkapp, "ui", "--fresh"], self.folder, {**self.home, **environment})

    def run(self, *words):
        return subprocess.run([self.nkapp, *words], cwd=self.folder, env={**os.environ, **self.home}, check=False,
                              capture_output=True, text=True)

    def clean(self):
        """Removes what was deployed, in two ways; says what stays."""
        for screen in list(Screen.opened):
            screen.close()
        ended = self.run("clean", "-y", "--force", "--quiet")
        if ended.returncode:
            print(f"clean ended with {ended.returncode}: {ended.stderr.strip()}", file=sys.stderr)
        if self.given.only and "docker" not in self.given.only:
            return
        mine = ["--filter", f"label=nk-project={self.name}"]
        for what, remove in (("container", ["rm", "-f", "-v"]), ("network", ["network", "rm"]), ("volume", ["volume", "rm"])):
            listing = {"container": ["ps", "-aq"]}.get(what, [what, "ls", "-q"])
            left = subprocess.run(["docker", *listing, *mine], capture_output=True, text=True, check=False).stdout.split()
            if left:
                gone = subprocess.run(["docker", *remove, *left], capture_output=True, text=True, check=False)
                rest = f": {gone.stderr.strip()}" if gone.returncode else ""
                print(f"clean left {len(left)} of {what}; removed by hand{rest}", file=sys.stderr)

    def say(self):
        for name, value in self.figures.items():
            print(f"{name:78} {value:12.2f}")
        print(json.dumps(self.figures), flush=True)


def quantile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def chosen(lines):
    """The service whose details are shown."""
    return next((found.group(1) for line in lines if (found := re.search(r"┌ service\.(\S+) ─", line))), None)


def keys(screen, rounds):
    """Milliseconds from a key, cursor down or up, until the screen shows the details of the next service."""
    times = []
    for number in range(rounds):
        while screen.read(0) is not None:
            pass
        mark, before = screen.mark(), chosen(screen.lines())
        at = time.monotonic()
        screen.press("j" if number % 40 < 20 else "k")
        times.append((screen.until(lambda lines: chosen(lines) not in (None, before), mark=mark) - at) * 1000)
        time.sleep(0.04)
    return times


def first(bench):
    """The first frame and a key, while the engine does not answer."""
    bench.project(1000)
    firsts = []
    for _ in range(bench.given.rounds):
        screen = bench.panel(DOCKER_HOST=silent_engine(bench.folder))
        firsts.append((screen.wait("Services") - screen.start) * 1000)
        screen.close()
    bench.figures["first frame, 1,000 services, engine silent (ms, median)"] = median(firsts)
    screen = bench.panel(DOCKER_HOST=silent_engine(bench.folder))
    screen.wait("s0001")
    screen.settle()
    times = keys(screen, bench.given.keys)
    bench.figures["key to its frame, 1,000 services, engine silent (ms, p50)"] = quantile(times, 0.5)
    bench.figures["key to its frame, 1,000 services, engine silent (ms, p99)"] = quantile(times, 0.99)
    screen.close()


def load(bench):
    """A run under way in the panel, of one service among 1,000, whose hook writes lines: each is an event of the run."""
    path = lambda name: os.path.join(bench.folder, name)

    def pace(lines):
        with open(path("pace.new"), "w") as file:
            file.write(str(lines))
        os.replace(path("pace.new"), path("pace"))

    def written():
        try:
            with open(path("written")) as file:
                return int(file.read())
        except FileNotFoundError:
            return 0

    with open(path("talker.py"), "w") as file:
        file.write(TALKER)
    hook = [f"    hooks: {{poststart: {{run: {sys.executable} talker.py, where: host, timeout: 2h}}}}"]
    bench.project(1000, "process", ["  talker:", "    start: sleep 86400", *hook])
    pace(0)
    screen = bench.panel()
    screen.wait("s0001")
    screen.press("\x10talker")
    screen.wait("service.talker")
    screen.settle(0.5)
    screen.press("\r")
    screen.until(lambda lines: chosen(lines) == "talker")
    screen.press(" D")
    screen.wait("[ deploy ] y")
    screen.settle(0.6)
    screen.press("y")
    while written() == 0 and not os.path.exists(path("written")):
        screen.read(0.05)
    screen.press("1")
    screen.until(lambda lines: chosen(lines) is None)
    screen.press("\x1b[H")
    screen.until(lambda lines: chosen(lines) not in (None, "talker"))
    # Lines as fast as is asked for, until there are as many as are to be held; keys all the while.
    figures, mark, times = bench.figures, len(screen.bytes), []
    began = time.monotonic()
    pace(bench.given.rate)
    while written() < bench.given.lines:
        times += keys(screen, 1)
    took = time.monotonic() - began
    what = f"{bench.given.rate:,} lines a second"
    figures[f"{what}: taken in (lines a second)"] = written() / took
    figures[f"{what}: frames a second, with keys all the while"] = screen.frames(mark) / took
    figures[f"{what}: key to its frame (ms, p99)"] = quantile(times, 0.99)
    pace(100)
    before = 0
    # What still waits on its way is through when as much comes out as goes in.
    while not 20 <= written() - before <= 80:
        before, end = written(), time.monotonic() + 0.5
        while (left := end - time.monotonic()) > 0:
            screen.read(left)
    # The panel's own count of what it gave up, beside its other figures.
    screen.press("\x1b[24~")
    screen.wait("lines dropped")
    given_up = next(int(found[1]) for line in screen.lines() if (found := re.search(r"(\d+) lines dropped", line)))
    figures[f"{what}: given up, by the counter on the screen (lines)"] = given_up
    screen.press("\x1b[24~")
    screen.until(lambda lines: not any("lines dropped" in line for line in lines))
    began, before = time.monotonic(), written()
    times = keys(screen, bench.given.keys)
    what = "1,000 services, a run under way, lines held"
    figures[f"{what}: lines"] = written() - given_up
    figures[f"{what}: events a second"] = (written() - before) / (time.monotonic() - began)
    figures[f"{what}: key to its frame (ms, p50)"] = quantile(times, 0.5)
    figures[f"{what}: key to its frame (ms, p99)"] = quantile(times, 0.99)
    figures[f"{what}: resident (MiB)"] = screen.memory()
    screen.close()


def removed(screen, name, seen):
    """Removes a container; returns milliseconds until the screen shows it, from the command's start and from its end."""
    mark, began = screen.mark(), time.monotonic()
    command = subprocess.Popen(["docker", "rm", "-f", name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ended, at, limit = None, None, began + 60
    while ended is None or at is None:
        came = screen.read(0.002)
        if came is not None:
            mark = screen.shown = screen.show(mark)
            at = at or (came if seen(screen.lines()) else None)
        if ended is None and command.poll() is not None:
            ended = time.monotonic()
        if time.monotonic() > limit:
            raise SystemExit("the change did not come; the screen is\n" + "\n".join(screen.lines()))
    return (at - began) * 1000, max(0.0, at - ended) * 1000


def docker(bench):
    """Idle beside others on the same containers, and changes by hand."""
    given, figures = bench.given, bench.figures
    bench.project(given.services)
    deployed = bench.run("deploy", "-y", "--quiet")
    if deployed.returncode:
        raise SystemExit(f"the deploy ended with {deployed.returncode}: {deployed.stderr}")
    screen = bench.panel()
    figures[f"nkapp: first list, {given.services} services (ms)"] = (screen.wait("s0001") - screen.start) * 1000
    screen.wait("running")
    share, written = screen.idle(given.idle)
    figures[f"nkapp: idle, {given.services} services (% of a core)"] = share
    figures["nkapp: idle (bytes written)"] = written
    figures["nkapp: resident (MiB)"] = screen.memory()
    container = lambda number: f"nk-{bench.name}-local-s{number:04}-0"
    shows = lambda lines, *words: any(all(word in line for word in words) for line in lines)
    for place, key, word, numbers in (("absent in Services", "1", "absent", range(5)), ("a row in Drift", "4", "differs", range(5, 10))):
        screen.press(key)
        screen.settle(1)
        screen.mark()
        times = [removed(screen, container(n), lambda lines, n=n: shows(lines, f"s{n:04}", word)) for n in numbers]
        figures[f"docker rm -f to {place} (ms from its start, median of 5)"] = median(start for start, _ in times)
        figures[f"docker rm -f to {place} (ms from its end, median of 5)"] = median(end for _, end in times)
    screen.close()
    for peer in given.peer:
        name, path = peer.split("=", 1)
        screen = Screen([os.path.abspath(path)], bench.folder, bench.home)
        came = screen.read(30)
        figures[f"{name}: first byte (ms)"] = (came - screen.start) * 1000 if came else float("nan")
        screen.settle(most=15)
        time.sleep(5)
        share, written = screen.idle(given.idle)
        figures[f"{name}: idle (% of a core)"] = share
        figures[f"{name}: idle (bytes written)"] = written
        figures[f"{name}: resident (MiB)"] = screen.memory()
        screen.close()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--nkapp", required=True)
    options.add_argument("--services", type=int, default=300)
    options.add_argument("--idle", type=float, default=20)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--keys", type=int, default=200)
    options.add_argument("--lines", type=int, default=1_000_000, help="lines to be held")
    options.add_argument("--rate", type=int, default=50_000, help="lines a second to be taken in")
    options.add_argument("--peer", action="append", default=[], help="NAME=PATH of another panel for containers")
    options.add_argument("--only", action="append", choices=["first", "load", "docker"])
    given = options.parse_args()

    def end(number, _):
        raise SystemExit(f"ended by {signal.Signals(number).name}")

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, end)
    bench = Bench(given, tempfile.mkdtemp(prefix="nk-bench-panel-"))
    try:
        for part in (first, load, docker):
            if not given.only or part.__name__ in given.only:
                try:
                    part(bench)
                finally:
                    bench.clean()
    finally:
        bench.say()
        shutil.rmtree(bench.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
