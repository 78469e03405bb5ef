#!/usr/bin/env python3
"""Kills runs at random moments and requires that one more run brings everything about.

    python3 tests/trials/kills.py [--rounds 60] [--seed 1] [--nkapp target/debug/nkapp]

A project of sixteen services on the real engine (dependencies, jobs, hooks on both sides, volumes, an install, rolling
updates) is deployed, updated, mended, taken down and cleaned; each of these runs gets SIGKILL at a random moment of the
time it needs undisturbed. After each kill: `deploy -y` ends with 0, `plan --detailed-exitcode` with 0, exactly the wanted
objects are there, no temporary file, no journal, no hook process, the lock is free, no finished service was worked on
again, and no hook ran twice in one run. Prints one line a round and what was broken; exits 1 when anything was.
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

LABEL = "nk-project="


def project(name, version, wide):
    """The text of the file: sixteen services in five layers."""
    def health():
        return "    healthcheck: { test: [CMD, 'true'], interval: 300ms, timeout: 5s }\n"

    def hooks(service):
        line = "echo %s $NANOKIT_RUN_ID $NANOKIT_INSTANCE" % service
        return (
            "    hooks:\n"
            f"      prestart: {{ host: '{line} prestart.host >> out/log', container: '{line} prestart.in >> /out/log' }}\n"
            f"      poststart: '{line} poststart >> out/log'\n"
            f"      prestop: '{line} prestop >> /out/log'\n"
            f"      poststop: '{line} poststop >> out/log'\n"
        )

    text = f"name: {name}\ninfra: {{ provider: docker }}\nnetworks: {{ front: {{}}, back: {{}} }}\n"
    text += "volumes: { data0: {}, data1: {}, data2: {}, deps: {} }\nservices:\n"
    for n in range(3):
        text += f"  db{n}:\n    image: nk-test/busybox:1\n    start: [sleep, '100000']\n    stop_grace_period: 1s\n"
        text += f"    volumes: ['data{n}:/data']\n    networks: [back]\n    env: {{ V: '{version}' }}\n" + health()
    text += "  migrate:\n    kind: job\n    image: nk-test/busybox:1\n    networks: [back]\n    volumes: ['./out:/out']\n"
    text += f"    env: {{ V: '{version}' }}\n"
    text += "    start: [sh, -c, 'echo migrate >> /out/jobs']\n    depends_on: [db0, db1]\n"
    for n in range(4):
        text += f"  api{n}:\n    image: nk-test/busybox:1\n    start: [sleep, '100000']\n    stop_grace_period: 1s\n"
        text += "    networks: { front: {}, back: {} }\n    volumes: ['./out:/out', 'deps:/deps']\n"
        text += f"    env: {{ V: '{version}' }}\n"
        text += "    depends_on: { migrate: { condition: completed }, db2: { condition: healthy } }\n"
        if n == 0:
            text += f"    instances: {2 + wide}\n    updateStrategy: rolling\n"
        if n == 1:
            text += "    provisioning: { volume: deps, install: 'sleep 0.3; echo install $NANOKIT_SERVICE >> /out/installs' }\n"
        text += health() + hooks(f"api{n}")
    for n in range(4):
        text += f"  work{n}:\n    image: nk-test/busybox:1\n    start: [sleep, '100000']\n    stop_grace_period: 1s\n"
        text += f"    networks: [back]\n    depends_on: [api{n}]\n" + (health() if n % 2 else "")
        text += f"    env: {{ V: '{version if n < 2 else 0}' }}\n"
    for n in range(2):
        text += f"  web{n}:\n    image: nk-test/busybox:1\n    start: [sleep, '100000']\n    stop_grace_period: 1s\n"
        text += f"    networks: [front]\n    volumes: ['./out:/out']\n    depends_on: [api{n}, work{n}]\n" + health()
        text += f"    instances: {2 - wide}\n    updateStrategy: rolling\n    env: {{ V: '{version}' }}\n" + hooks(f"web{n}")
    text += "  edge:\n    image: nk-test/busybox:1\n    start: [sleep, '100000']\n    stop_grace_period: 1s\n    networks: [front]\n"
    text += "    depends_on: [web0, web1]\n"
    text += "  side:\n    image: nk-test/busybox:1\n    start: [sleep, '100000']\n    stop_grace_period: 1s\n    networks: [front]\n"
    return text


def wanted(name, wide):
    """Objects of the project when it is up."""
    count = {f"db{n}": 1 for n in range(3)} | {f"work{n}": 1 for n in range(4)} | {"edge": 1, "side": 1, "migrate": 1}
    count |= {"api0": 2 + wide, "api1": 1, "api2": 1, "api3": 1, "web0": 2 - wide, "web1": 2 - wide}
    return count


class Trial:
    def __init__(self, nkapp, seed):
        self.nkapp = nkapp
        self.random = random.Random(seed)
        self.name = f"locks{os.getpid()}x{seed}"
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="nk-trial-"))
        (self.home / "out").mkdir()
        self.version, self.wide = 1, 0
        self.problems = []

    def write(self):
        (self.home / "nanokit.yml").write_text(project(self.name, self.version, self.wide))

    def start(self, *arguments):
        environment = dict(os.environ, HOME=str(self.home))
        return subprocess.Popen([self.nkapp, *arguments], cwd=self.home, env=environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *arguments):
        child = self.start(*arguments)
        out, err = child.communicate(timeout=300)
        return child.returncode, out, err

    def docker(self, *arguments):
        return subprocess.run(["docker", *arguments], capture_output=True, text=True).stdout

    def bad(self, when, what):
        self.problems.append(f"{when}: {what}")
        print(f"  !! {when}: {what}", flush=True)

    # --- what is there -----------------------------------------------------------------------------
    def containers(self):
        form = '{{.Names}}\t{{.State}}\t{{.Label "nk-service"}}\t{{.Label "nk-instance"}}\t{{.Label "nk-lineage"}}'
        lines = self.docker("ps", "-a", "--filter", f"label={LABEL}{self.name}", "--format", form).splitlines()
        return [line.split("\t") for line in lines]

    def runs(self):
        return sorted(path.stem for path in (self.home / ".nanokit/runs").glob("*.jsonl"))

    def events(self, run):
        found = []
        for line in (self.home / f".nanokit/runs/{run}.jsonl").read_text().splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                pass
        return found

    def vandalise(self):
        """What somebody does by hand."""
        for service, deed in self.random.sample([("side", "rm"), ("work2", "kill"), ("api2", "stop"), ("api3", "net"),
                                                 ("web0", "pause"), ("db1", "rename"), ("edge", "rm")], 4):
            one = f"nk-{self.name}-local-{service}-0"
            if deed == "rm":
                self.docker("rm", "-f", one)
            elif deed == "net":
                self.docker("network", "disconnect", f"nk-{self.name}-local-back", one)
            elif deed == "rename":
                self.docker("rename", one, one + "-moved")
            elif deed == "stop":
                self.docker("stop", "-t", "0", one)
            else:
                self.docker(deed, one)

    # --- requirements ------------------------------------------------------------------------------
    def is_up(self, when):
        found = self.containers()
        counts = {}
        for name, state, service, instance, _ in found:
            good = "exited" if service == "migrate" else "running"
            if state != good:
                self.bad(when, f"{name} is {state}")
            counts[service] = counts.get(service, 0) + 1
        if counts != wanted(self.name, self.wide):
            self.bad(when, f"containers {sorted(row[0] for row in found)}")
        if len({row[0] for row in found}) != len(found) or len({row[4] for row in found}) > 1:
            self.bad(when, "double names or lineages")
        networks = self.docker("network", "ls", "--filter", f"name=nk-{self.name}-", "--format", "{{.Name}}").split()
        if sorted(networks) != [f"nk-{self.name}-local-{n}" for n in ("back", "front")]:
            self.bad(when, f"networks {networks}")
        volumes = self.docker("volume", "ls", "--filter", f"name=nk-{self.name}-", "--format", "{{.Name}}").split()
        if sorted(volumes) != [f"nk-{self.name}-local-{n}" for n in ("data0", "data1", "data2", "deps")]:
            self.bad(when, f"volumes {volumes}")

    def is_clean(self, when):
        stray = [str(path) for path in self.home.rglob("*") if path.name.endswith(".tmp")]
        journal = list((self.home / ".nanokit/journal").glob("*"))
        if stray or journal:
            self.bad(when, f"left behind: {stray} {journal}")
        code, out, _ = self.run("infra", "lock", "--json")
        if json.loads(out)["verdict"] != "free":
            self.bad(when, f"the lock is {json.loads(out)['verdict']}")
        marked = self.survivors()
        if marked:
            self.bad(when, f"processes {marked}")

    def survivors(self):
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    about = (entry / "environ").read_bytes()
                    if b"NANOKIT_PROJECT=" + self.name.encode() in about and os.readlink(entry / "ns/pid") == os.readlink("/proc/self/ns/pid"):
                        found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
                except OSError:
                    pass
        return found

    def hooks_once(self, when):
        seen = set()
        for line in (self.home / "out/log").read_text().splitlines() if (self.home / "out/log").exists() else []:
            if line in seen:
                self.bad(when, f"hook twice in one run: {line}")
            seen.add(line)
        installs = (self.home / "out/installs").read_text().splitlines() if (self.home / "out/installs").exists() else []
        return len(installs)

    def not_again(self, when, cut, command):
        """What the killed run had finished, the next one of the same kind leaves alone."""
        if not cut or command != "deploy":
            return
        done = {e["address"] for e in self.events(cut[-1]) if e["kind"] == "action_finished" and e["outcome"] == "done"}
        last = self.runs()[-1]
        if last in cut:
            return
        again = {e["address"] for e in self.events(last) if e["kind"] == "step_started"} & done
        if again:
            self.bad(when, f"finished and done again: {sorted(again)}")

    # --- rounds ------------------------------------------------------------------------------------
    def kill(self, arguments, after):
        before = self.runs()
        child = self.start(*arguments)
        try:
            child.wait(timeout=after)
            hit = False
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            hit = True
        out, err = child.communicate()
        if not hit and child.returncode != 0:
            self.bad(" ".join(arguments), f"exit {child.returncode} without a kill: {err[-600:]}")
        return hit, [run for run in self.runs() if run not in before]

    def heal(self, when, cut, command):
        code, out, err = self.run("deploy", "-y")
        if code != 0:
            self.bad(when, f"deploy exits {code}: {err[-1500:]}")
            code, out, err = self.run("deploy", "-y")
            print(f"     and once more: {code}", flush=True)
        self.not_again(when, cut, command)
        code, out, err = self.run("plan", "--detailed-exitcode")
        if code != 0:
            self.bad(when, f"plan exits {code}: {out[-1500:]}")
        self.is_up(when)
        self.is_clean(when)
        return self.hooks_once(when)

    def measure(self, *arguments):
        started = time.monotonic()
        code, _, err = self.run(*arguments)
        if code != 0:
            self.bad(" ".join(arguments), f"undisturbed, exits {code}: {err[-600:]}")
        return time.monotonic() - started

    def play(self, rounds):
        self.write()
        times = {"deploy": self.measure("deploy", "-y")}
        self.is_up("undisturbed")
        self.version += 1
        self.wide = 1
        self.write()
        times["update"] = self.measure("deploy", "-y")
        self.is_up("updated")
        self.vandalise()
        times["restore"] = self.measure("drift", "--restore", "-y")
        self.is_up("restored")
        times["destroy"] = self.measure("destroy", "-y")
        self.measure("clean", "-y", "--force")
        times["clean"] = times["destroy"]
        print("undisturbed: " + ", ".join(f"{k} {v:.1f} s" for k, v in times.items()), flush=True)
        installs, hits = self.heal("again up", [], "none"), 0
        for n in range(rounds):
            command = self.random.choice(["deploy", "deploy", "update", "update", "restore", "destroy", "clean"])
            after = self.random.uniform(0.05, 0.9 * times[command])
            when = f"round {n}: {command} killed after {after:.2f} s"
            if command == "deploy":
                self.run(*self.random.choice([("clean", "-y", "--force"), ("destroy", "-y")]))
                arguments = ["deploy", "-y"]
            elif command == "update":
                self.version += 1
                self.wide = self.random.randrange(2)
                self.write()
                arguments = ["deploy", "-y"]
            elif command == "restore":
                self.vandalise()
                arguments = ["drift", "--restore", "-y"]
            elif command == "destroy":
                arguments = ["destroy", "-y"]
            else:
                arguments = ["clean", "-y", "--force"]
            hit, cut = self.kill(arguments, after)
            hits += hit
            now = self.heal(when, cut, "deploy" if arguments[0] == "deploy" else command)
            print(f"{when}{'' if hit else ' (over before)'}; installs {now - installs}", flush=True)
            installs = now
        return hits

    def end(self):
        self.run("clean", "-y", "--force")
        left = self.docker("ps", "-aq", "--filter", f"label={LABEL}{self.name}").split()
        left += self.docker("volume", "ls", "-q", "--filter", f"name=nk-{self.name}-").split()
        left += self.docker("network", "ls", "-q", "--filter", f"name=nk-{self.name}-").split()
        if left:
            self.bad("at the end", f"left on the engine: {left}")
        if not self.problems:
            shutil.rmtree(self.home)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nkapp", default="target/debug/nkapp")
    given = parser.parse_args()
    trial = Trial(os.path.abspath(given.nkapp), given.seed)
    hits = trial.play(given.rounds)
    trial.end()
    print(f"{given.rounds} rounds, {hits} killed, {len(trial.problems)} problems" + (f" (kept: {trial.home})" if trial.problems else ""))
    raise SystemExit(bool(trial.problems))


if __name__ == "__main__":
    main()
