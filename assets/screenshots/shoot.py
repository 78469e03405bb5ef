#!/usr/bin/env python3
"""Makes the pictures of the README from the real panel: `assets/screenshots/shoot.py --nkapp target/release/nkapp`.

The demo project runs on host processes in a temporary folder; keys are pressed in a tmux of its own, each picture is
taken when its text has come, and the cells with their colours are written as SVG. Needs tmux and Python 3.
"""

import argparse
import html
import os
import re
import shutil
import subprocess
import tempfile
import time
import unicodedata
from pathlib import Path

HERE = Path(__file__).resolve().parent
CELL = (8.4, 18.0)
BACK, TEXT = "#16181d", "#d7dae0"
PALETTE = [
    "#3b4048", "#ef6b73", "#8cc570", "#e2b86b", "#61a8f0", "#c678dd", "#56b6c2", "#c8ccd4",
    "#5c6370", "#ff7b85", "#a5e075", "#f5c97a", "#7ab8ff", "#d38aea", "#6cd0dd", "#ffffff",
]


def colour(number):
    """The colour of a number of the 256-colour table."""
    if number < 16:
        return PALETTE[number]
    if number < 232:
        number -= 16
        parts = [number // 36, number // 6 % 6, number % 6]
        return "#" + "".join(f"{0 if part == 0 else 55 + 40 * part:02x}" for part in parts)
    grey = 8 + 10 * (number - 232)
    return f"#{grey:02x}{grey:02x}{grey:02x}"


class Style:
    """What the SGR sequences said last."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.fore, self.back = None, None
        self.bold = self.dim = self.under = self.reverse = False

    def take(self, numbers):
        codes = [int(code or 0) for code in re.split("[;:]", numbers)] if numbers else [0]
        while codes:
            code = codes.pop(0)
            if code == 0:
                self.reset()
            elif code == 1:
                self.bold = True
            elif code == 2:
                self.dim = True
            elif code == 4:
                self.under = True
            elif code == 7:
                self.reverse = True
            elif code == 22:
                self.bold = self.dim = False
            elif code == 24:
                self.under = False
            elif code == 27:
                self.reverse = False
            elif 30 <= code <= 37:
                self.fore = PALETTE[code - 30]
            elif 40 <= code <= 47:
                self.back = PALETTE[code - 40]
            elif 90 <= code <= 97:
                self.fore = PALETTE[code - 82]
            elif 100 <= code <= 107:
                self.back = PALETTE[code - 92]
            elif code == 39:
                self.fore = None
            elif code == 49:
                self.back = None
            elif code in (38, 48) and codes:
                if codes.pop(0) == 5:
                    value = colour(codes.pop(0))
                else:
                    value = "#%02x%02x%02x" % tuple(codes.pop(0) for _ in range(3))
                if code == 38:
                    self.fore = value
                else:
                    self.back = value

    def look(self):
        fore, back = self.fore or TEXT, self.back
        if self.reverse:
            fore, back = back or BACK, fore
        return (fore, back, self.bold, self.dim, self.under)


def cells(line):
    """The cells of one captured line: letter, width and look."""
    style, out = Style(), []
    for piece in re.split("(\x1b\\[[0-9;:]*m)", line):
        found = re.fullmatch("\x1b\\[([0-9;:]*)m", piece)
        if found:
            style.take(found.group(1))
            continue
        for letter in piece:
            if unicodedata.combining(letter) and out:
                out[-1] = (out[-1][0] + letter, *out[-1][1:])
                continue
            wide = 2 if unicodedata.east_asian_width(letter) in "WF" else 1
            out.append((letter, wide, style.look()))
    return out


def svg(lines, columns, title):
    """One picture."""
    wide, high = CELL
    margin = 12
    width, height = columns * wide + 2 * margin, len(lines) * high + 2 * margin
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img">',
        f"<title>{html.escape(title)}</title>",
        f'<rect width="100%" height="100%" rx="8" fill="{BACK}"/>',
        '<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace" '
        'font-size="14" xml:space="preserve">',
    ]
    for row, line in enumerate(lines):
        y, x, run = margin + row * high, 0, []
        runs = []
        for letter, cell, look in cells(line):
            if run and run[0] == look:
                run[2] += letter
                run[3] += cell
            else:
                run = [look, x, letter, cell]
                runs.append(run)
            x += cell
        for (fore, back, bold, dim, under), at, text, length in runs:
            left = margin + at * wide
            if back:
                out.append(
                    f'<rect x="{left:.1f}" y="{y:.1f}" width="{length * wide:.1f}" '
                    f'height="{high:.1f}" fill="{back}"/>'
                )
            if not text.strip():
                continue
            more = ' font-weight="bold"' if bold else ""
            more += ' opacity="0.62"' if dim else ""
            more += ' text-decoration="underline"' if under else ""
            out.append(
                f'<text x="{left:.1f}" y="{y + 13.5:.1f}" fill="{fore}" '
                f'textLength="{length * wide:.1f}" lengthAdjust="spacingAndGlyphs"{more}>'
                f"{html.escape(text)}</text>"
            )
    out.append("</g></svg>")
    return "\n".join(out) + "\n"


class Terminal:
    """A tmux of its own."""

    def __init__(self, command, folder, columns, rows, environment):
        self.socket = f"nk-shots-{os.getpid()}"
        self.columns = columns
        names = [f"{name}={value}" for name, value in environment.items()]
        conf = Path(folder) / "tmux.conf"
        conf.write_text("set -g status off\nset -g default-terminal tmux-256color\nset -ga terminal-overrides ',*:Tc'\n")
        subprocess.run(
            ["tmux", "-L", self.socket, "-f", str(conf), "new-session", "-d", "-x", str(columns),
             "-y", str(rows), "-c", folder, "env", *names, *command],
            check=True,
        )

    def tmux(self, *arguments):
        done = subprocess.run(
            ["tmux", "-L", self.socket, *arguments], capture_output=True, text=True, check=False
        )
        return done.stdout

    def keys(self, *keys):
        for key in keys:
            self.tmux("send-keys", key)
            time.sleep(0.35)

    def text(self):
        return self.tmux("capture-pane", "-p")

    def wait(self, text, patience=60):
        end = time.time() + patience
        while text not in self.text():
            if time.time() > end:
                raise SystemExit(f"{text!r} did not come; the screen is\n{self.text()}")
            time.sleep(0.1)

    def shoot(self, name, title):
        time.sleep(0.4)
        lines = self.tmux("capture-pane", "-p", "-e", "-N").split("\n")[:-1]
        (HERE / f"{name}.svg").write_text(svg(lines, self.columns, title))
        print(f"{name}.svg")

    def close(self):
        self.tmux("kill-server")


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--nkapp", default="target/release/nkapp")
    options.add_argument("--size", default="120x36")
    given = options.parse_args()
    nkapp = str(Path(given.nkapp).resolve())
    columns, rows = (int(part) for part in given.size.split("x"))
    folder = tempfile.mkdtemp(prefix="nk-shots-")
    environment = {"HOME": folder, "LANG": "C.UTF-8", "COLORTERM": "truecolor"}
    # The demo is unpacked and deployed once, so that the history has a run.
    made = subprocess.run(
        [nkapp, "demo", "--provider", "process"], cwd=folder, capture_output=True, text=True,
        env={**os.environ, **environment}, check=False,
    )
    project = next((path.parent for path in Path(folder).rglob("nanokit.yml")), None)
    if project is None:
        raise SystemExit(f"no demo: {made.stdout}{made.stderr}")
    screen = Terminal([nkapp, "ui"], str(project), columns, rows, environment)
    try:
        tour(screen, project)
    finally:
        screen.close()
        subprocess.run([nkapp, "clean", "-y", "--force"], cwd=project, capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def tour(screen, project):
    """The two minutes of the README, a picture at each stop."""
    screen.wait("6 History")
    screen.wait("lock: free")
    screen.shoot("services", "Services as a tree")
    screen.keys("v")
    screen.shoot("graph", "Services as a graph")
    screen.keys("v")
    file = project / "nanokit.yml"
    text = file.read_text()
    file.write_text(re.sub(r"RELEASE: .*", 'RELEASE: "2"', text))
    screen.keys("2")
    screen.wait("~ ")
    screen.keys("j", "Right")
    screen.shoot("plan", "The plan, before and after side by side")
    screen.keys("D")
    screen.wait("y deploy")
    screen.shoot("question", "The question before a deploy")
    screen.keys("y")
    screen.wait("deploy: ok")
    screen.shoot("run", "A run with its output")
    screen.keys("v")
    screen.shoot("timeline", "A run as a timeline")
    screen.keys("v", "6")
    screen.shoot("history", "Past runs")
    screen.keys("5")
    screen.shoot("locks", "Locks and state")
    screen.keys("1", ":")
    screen.shoot("palette", "All actions")
    screen.keys("Escape", "q")


if __name__ == "__main__":
    main()
