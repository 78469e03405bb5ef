#!/usr/bin/env python3
"""Damages the files of a project at random places and requires that it is named, and mended as the messages say.

    python3 tests/trials/damage.py [--rounds 100] [--seed 1] [--nkapp target/debug/nkapp]

A small project on host processes, killed in the middle of a deploy every other round, so that there is a journal. Then one
or two of `state.json`, the journal, the lock record, the saved plan and the runs are damaged: a bit flipped, a piece cut
out, the end cut off, bytes of chance put in, emptied, replaced by another file of the project. No command may crash (101,
signals), hang or take the damage for "nothing deployed": there is never a second process of a service. Afterwards
`deploy` succeeds at once, or refuses with a reason and a next command, and does after `infra unlock --force` and
`state rebuild` or `state push --force` of a good copy.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import time

FILE = """
name: damage
infra: { provider: process }
services:
  a: { start: [sh, -c, 'echo a VERSION; exec sleep 4711'], volumes: ['data:/data'] }
  b: { start: [sh, -c, 'echo b; exec sleep 4711'], depends_on: [a], hooks: { prestart: { host: 'sleep 0.3' } } }
volumes: { data: {} }
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nkapp", default="target/debug/nkapp")
    given = parser.parse_args()
    nkapp, chance = os.path.abspath(given.nkapp), random.Random(given.seed)
    home = pathlib.Path(tempfile.mkdtemp(prefix="nk-trial-"))
    environment = dict(os.environ, HOME=str(home), RUST_BACKTRACE="1")
    problems, ends = [], {}

    def start(*arguments):
        return subprocess.Popen([nkapp, *arguments], cwd=home, env=environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")

    def run(*arguments):
        child = start(*arguments)
        try:
            out, err = child.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
            return -99, out, err
        return child.returncode, out, err

    def bad(what):
        problems.append(what)
        print("  !! " + what, flush=True)

    def files():
        own = home / ".nanokit"
        lists = [[home / "state.json"], [own / "lock/state.json"], list((own / "journal").glob("*")), [own / "plans/latest.json"],
                 list((own / "runs").glob("*.jsonl"))[-2:]]
        return [[path for path in some if path.is_file()] for some in lists]

    def damage(path):
        data = bytearray(path.read_bytes())
        kind = chance.choice(["flip", "cut", "end", "noise", "empty", "other", "zeros"])
        at = chance.randrange(len(data)) if data else 0
        if kind == "flip" and data:
            data[at] ^= 1 << chance.randrange(8)
        elif kind == "cut":
            del data[at:at + chance.randrange(1, 200)]
        elif kind == "end":
            del data[at:]
        elif kind == "noise":
            data[at:at] = chance.randbytes(chance.randrange(1, 64))
        elif kind == "empty":
            data.clear()
        elif kind == "zeros":
            data[at:] = bytes(len(data) - at)
        else:
            others = [other for some in files() for other in some]
            data = bytearray(chance.choice(others).read_bytes())
        path.write_bytes(data)
        return f"{path.relative_to(home)} {kind} at {at}"

    def processes():
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if (entry / "cmdline").read_bytes() == b"sleep\x004711\0" and str(home).encode() in (entry / "environ").read_bytes():
                        found.append(entry.name)
                except OSError:
                    pass
        return found

    for n in range(given.rounds):
        version = chance.randrange(1000)
        (home / "nanokit.yml").write_text(FILE.replace("VERSION", str(version)))
        if chance.random() < 0.5:
            child = start("deploy", "-y")
            time.sleep(chance.uniform(0.02, 0.6))
            child.send_signal(signal.SIGKILL)
            child.communicate()
        else:
            run("deploy", "-y")
        run("plan")
        choices = [some for some in files() if some]
        done = [damage(chance.choice(some)) for some in chance.sample(choices, chance.choice([1, 1, 2]))]
        before = len(processes())
        what = f"round {n} (version {version}): {'; '.join(done)}"
        for look in (["plan"], ["status"], ["state", "show"], ["infra", "lock"], ["run", "list"], ["run", "show"],
                     ["deploy", "-y", "--plan", ".nanokit/plans/latest.json"], ["deploy", "-y"]):
            code, out, err = run(*look)
            if code not in (0, 1, 3, 4, 5) or "panicked" in err:
                bad(f"{what}: {' '.join(look)} exits {code}: {err[-800:]}")
            if code != 0 and not err.strip():
                bad(f"{what}: {' '.join(look)} exits {code} and says nothing")
        if len(processes()) > 2:
            bad(f"{what}: {len(processes())} processes, {before} before")
        mends = []
        if code != 0:
            first = err
            report = json.loads(run("infra", "lock", "--json")[1] or "{}")
            if report.get("verdict") == "unknown":
                lock_id = (report.get("lock") or {}).get("lock_id") or report.get("version") or ""
                mends.append("unlock %s" % run("infra", "unlock", lock_id, "--force", "--reason", "trial")[0])
            code, out, err = run("deploy", "-y")
            if code != 0:
                # As the messages say: what is of a run that was cut off, or of something else, is moved away first.
                if "move it out of its folder" in err or "belongs to something else" in err:
                    moved = [home / "state.json"] if "something else" in err else (home / ".nanokit/journal").glob("*")
                    for path in moved:
                        path.rename(home / f"moved-{n}-{path.name}")
                    mends.append("moved, rebuild %s" % run("state", "rebuild", "-y")[0])
                elif chance.random() < 0.5:
                    mends.append("rebuild %s" % run("state", "rebuild", "-y")[0])
                else:
                    copies = sorted((home / ".nanokit/backups").glob("state.json.[0-9]*"), key=lambda p: int(p.suffix[1:]))
                    if copies:
                        mends.append("push %s" % run("state", "push", "--force", "-y", str(copies[-1]))[0])
                code, out, err = run("deploy", "-y")
            if code != 0:
                bad(f"{what}: not mended by {mends}: {err[-900:]}\n     at first: {first[-900:]}")
                run("state", "rebuild", "-y")
                for path in (home / ".nanokit/journal").glob("*"):
                    path.unlink()
                run("deploy", "-y")
        code, out, err = run("plan", "--detailed-exitcode")
        if code != 0:
            bad(f"{what}: then plan exits {code}: {(out + err)[-900:]}")
        if len(processes()) != 2:
            bad(f"{what}: {len(processes())} processes at the end")
        ends[" ".join(mends) or "at once"] = ends.get(" ".join(mends) or "at once", 0) + 1
    run("clean", "-y", "--force")
    left = len(processes())
    if left:
        bad(f"{left} processes after `clean`")
    if not problems:
        shutil.rmtree(home)
    print(f"{given.rounds} rounds, {len(problems)} problems; mended: {ends}" + (f" (kept: {home})" if problems else ""))
    raise SystemExit(bool(problems))


if __name__ == "__main__":
    main()
