//! Killed by the kernel for want of memory, in the middle of a run: what it left is what a SIGKILL leaves.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::cli_env::TestEnv;
use crate::fault_cases::tried;

/// Longest wait for something that takes less than a second on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Memory that nkapp and its hooks have together.
const LIMIT: &str = "67108864";

/// A control group of that much memory; dropped, it is removed.
struct Group {
    path: PathBuf,
    /// Where the kernel counts whom it killed.
    count: PathBuf,
}

impl Group {
    fn new(name: &str) -> Self {
        let name = format!("nk-test-{name}-{}", std::process::id());
        let root = Path::new("/sys/fs/cgroup");
        let is_old = root.join("memory").is_dir();
        let (path, limits, count) = if is_old {
            let limits = ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"];
            (root.join("memory").join(name), limits, "memory.oom_control")
        } else {
            let limits = ["memory.max", "memory.swap.max"];
            let _ = std::fs::write(root.join("cgroup.subtree_control"), "+memory");
            (root.join(name), limits, "memory.events")
        };
        std::fs::create_dir(&path).expect("this test needs root and control groups of memory");
        let [memory, swap] = limits;
        std::fs::write(path.join(memory), LIMIT).expect("this test needs a limit of memory");
        // Where nothing is swapped there is no such limit.
        let _ = std::fs::write(path.join(swap), if is_old { LIMIT } else { "0" });
        Self {
            count: path.join(count),
            path,
        }
    }

    fn kills(&self) -> u64 {
        let text = std::fs::read_to_string(&self.count).expect("counted");
        let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        count.and_then(|count| count.parse().ok()).unwrap_or(0)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let began = Instant::now();
        while std::fs::remove_dir(&self.path).is_err() && began.elapsed() < PATIENCE {
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}

/// A hook that takes all the memory there is once it may, and tells that it began.
const FILE: &str = "\
name: small
infra: { provider: process }
services:
  app:
    start: [sleep, '600.MARK']
    stop_grace_period: 1s
    hooks:
      HOOK: { where: host, run: 'test -e calm && exit 0; touch began; until test -e go; do sleep 0.05; done; tail /dev/zero; sleep 600.MARK' }
";

/// Processes that have the word among their arguments.
fn with_word(word: &str) -> usize {
    let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
    let lines = entries.map(|entry| std::fs::read(entry.path().join("cmdline")));
    let has = |line: &Vec<u8>| String::from_utf8_lossy(line).contains(word);
    lines.flatten().filter(has).count()
}

fn until(what: &str, so: impl Fn() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

#[test]
fn f37_killed_for_want_of_memory_it_leaves_what_a_kill_leaves() {
    let mut cases = 0;
    for (hook, arguments) in [
        ("prestart", &["deploy", "-y"][..]),
        ("prestop", &["destroy", "-y"]),
    ] {
        let mark = format!("{}{cases}", std::process::id());
        let env = TestEnv::with(&FILE.replace("HOOK", hook).replace("MARK", &mark));
        if hook == "prestop" {
            env.nkapp(&["deploy", "-y"]).exits(0);
        }
        let group = Group::new(hook);
        let nkapp = env.command(arguments);
        let mut command = Command::new("sh");
        let join = "echo $$ > \"$GROUP/cgroup.procs\" && exec \"$0\" \"$@\"";
        command.args(["-c", join]).arg(nkapp.get_program());
        command.args(nkapp.get_args()).current_dir(env.folder());
        command.env_clear().env("GROUP", &group.path);
        command.envs(nkapp.get_envs().filter_map(|(k, v)| Some((k, v?))));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::null()).spawn().expect("sh");
        until("the hook begins", || env.folder().join("began").exists());
        // The kernel takes whom it is told to.
        let score = format!("/proc/{}/oom_score_adj", child.id());
        std::fs::write(score, "1000").expect("this test needs root");
        env.put("go", "");
        let end = child.wait().expect("it ends");
        assert_eq!(end.signal(), Some(9), "{hook}: {end}");
        assert!(group.kills() > 0, "{hook}: nobody was killed for memory");
        let kept = usize::from(hook == "prestop");
        until("nothing of the hook is left", || {
            with_word(&format!("600.{mark}")) == kept
        });
        env.nkapp(&["infra", "lock"]).exits(0).says("DEAD");
        env.put("calm", "");
        env.nkapp(arguments).exits(0);
        let wanted = usize::from(hook == "prestart");
        until("what is wanted runs once", || {
            with_word(&format!("600.{mark}")) == wanted
        });
        env.nkapp(&["infra", "lock"]).exits(0).says("FREE");
        cases += 1;
    }
    let own = "f37_killed_for_want_of_memory_it_leaves_what_a_kill_leaves";
    tried(own, cases);
}
