#!/usr/bin/env python3
"""Two operators work on one project at the same time, from different folders and by different paths.

    python3 tests/trials/races.py [--rounds 20] [--seed 1] [--nkapp target/debug/nkapp]

Each round starts two or three commands at once (deploy, destroy, clean, drift restore, state rebuild), each in a process
of its own: from the project's folder, from a folder below it, by `-f` from elsewhere, by `-f` through a link. Whoever does
not get the lock says so with exit code 4 and names the holder; nothing else may fail. Afterwards one deploy ends with 0,
one plan finds nothing, and exactly the wanted containers are there, each once.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess
import tempfile

FILE = """
name: NAME
infra: { provider: docker }
services:
  a:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    volumes: ['data:/data', './out:/out']
    hooks: { poststart: 'echo a $NANOKIT_RUN_ID >> out/log', prestop: 'echo stop $NANOKIT_RUN_ID >> /out/log' }
  b: { image: 'nk-test/busybox:1', start: [sleep, '100000'], stop_grace_period: 1s, depends_on: [a], instances: 2 }
  c: { image: 'nk-test/busybox:1', start: [sleep, '100000'], stop_grace_period: 1s, depends_on: [a], env: { V: 'VERSION' } }
volumes: { data: {} }
"""
COMMANDS = [("deploy", "-y"), ("deploy", "-y"), ("destroy", "-y"), ("clean", "-y", "--force"), ("drift", "--restore", "-y"),
            ("state", "rebuild", "-y")]
# done; changes found; nothing to rebuild from; somebody else is at work; the plan that was made went stale meanwhile
FINE = {0, 4, 5}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nkapp", default="target/debug/nkapp")
    given = parser.parse_args()
    nkapp, chance = os.path.abspath(given.nkapp), random.Random(given.seed)
    home = pathlib.Path(tempfile.mkdtemp(prefix="nk-trial-"))
    name = f"locks{os.getpid()}r{given.seed}"
    real = home / "real"
    (real / "out").mkdir(parents=True)
    (home / "link").symlink_to("real")
    problems, held = [], 0
    ways = [(real, []), (real / "out", []), (home, ["-f", "real/nanokit.yml"]), (home, ["-f", "link/nanokit.yml"]),
            (pathlib.Path("/"), ["-f", str(home / "link/nanokit.yml")])]

    def start(arguments):
        cwd, way = chance.choice(ways)
        return subprocess.Popen([nkapp, *way, *arguments], cwd=cwd, env=dict(os.environ, HOME=str(home)), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def end(child):
        out, err = child.communicate(timeout=300)
        return child.returncode, out, err

    def bad(what):
        problems.append(what)
        print("  !! " + what, flush=True)

    def docker(*arguments):
        return subprocess.run(["docker", *arguments], capture_output=True, text=True).stdout.split()

    for n in range(given.rounds):
        (real / "nanokit.yml").write_text(FILE.replace("NAME", name).replace("VERSION", str(chance.randrange(3))))
        mine = [chance.choice(COMMANDS) for _ in range(chance.choice([2, 2, 3]))]
        children = [(arguments, start(arguments)) for arguments in mine]
        said = []
        for arguments, child in children:
            code, _, err = end(child)
            said.append(f"{arguments[0]} {code}")
            held += code == 4
            empty = arguments[1] == "rebuild" and "nothing to rebuild" in err
            if code not in FINE and not empty:
                bad(f"round {n}: {' '.join(arguments)} exits {code}: {err[-900:]}")
            if code == 4 and "lock" not in err:
                bad(f"round {n}: {' '.join(arguments)} exits 4 and says: {err[-900:]}")
        for arguments in (["deploy", "-y"], ["plan", "--detailed-exitcode"]):
            code, out, err = end(start(arguments))
            if code != 0:
                bad(f"round {n} ({', '.join(said)}), then {arguments[0]} exits {code}: {(out + err)[-1500:]}")
        found = sorted(docker("ps", "--filter", f"label=nk-project={name}", "--format", "{{.Names}}"))
        wanted = [f"nk-{name}-local-{one}" for one in ("a-0", "b-0", "b-1", "c-0")]
        every = sorted(docker("ps", "-a", "--filter", f"label=nk-project={name}", "--format", "{{.Names}}"))
        if found != wanted or every != wanted:
            bad(f"round {n}: {found} of {every}")
        left = list((real / ".nanokit/journal").glob("*")) + [p for p in real.rglob("*.tmp")]
        if left or (home / ".nanokit").exists() or (real / "out/.nanokit").exists():
            bad(f"round {n}: left behind {left}")
        lines = (real / "out/log").read_text().splitlines() if (real / "out/log").exists() else []
        if len(set(lines)) != len(lines):
            bad(f"round {n}: a hook ran twice in one run")
        print(f"round {n}: {', '.join(said)}", flush=True)
    end(start(["clean", "-y", "--force"]))
    if not problems:
        shutil.rmtree(home)
    print(f"{given.rounds} rounds, {held} times refused, {len(problems)} problems" + (f" (kept: {home})" if problems else ""))
    raise SystemExit(bool(problems))


if __name__ == "__main__":
    main()
