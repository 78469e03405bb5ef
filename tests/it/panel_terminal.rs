//! A person at a terminal, for tests: types, looks, waits for text and never for time.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Longest time anything may take before the test gives up; only ever spent on a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// The binary.
const NKAPP: &str = env!("CARGO_BIN_EXE_nkapp");

fn cells(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).expect("not empty")
}

/// The binary in a pseudo-terminal.
pub(crate) struct Panel {
    /// Gone once it was hung up.
    master: Option<Box<dyn MasterPty + Send>>,
    /// What takes everything the program writes; it ends with the program, or when nobody wants to see more.
    reader: Option<std::thread::JoinHandle<()>>,
    keyboard: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    bytes: Vec<u8>,
    folder: PathBuf,
    own: Option<tempfile::TempDir>,
    /// What was started stays when it is dropped: the folder belongs to somebody who takes it down.
    leaves: bool,
}

/// How it ended.
pub(crate) struct End {
    /// Exit code.
    pub(crate) code: u32,
    /// Whether every mode was undone: the normal screen, the cursor, plain paste.
    pub(crate) restored: bool,
    /// What is left on the screen.
    pub(crate) screen: String,
    /// Everything that was ever written.
    pub(crate) bytes: Vec<u8>,
}

impl Panel {
    /// Opens the panel in a fresh folder with this project file.
    pub(crate) fn open(project: &str, environment: &[(&str, &str)]) -> Self {
        Self::open_with(project, environment, &[])
    }

    /// Opens it with these arguments. `{folder}` in a value of the environment is where it is opened.
    pub(crate) fn open_with(
        project: &str,
        environment: &[(&str, &str)],
        arguments: &[&str],
    ) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("nanokit.yml"), project).expect("project file");
        let mut panel = Self::start(folder.path(), (80, 24), environment, arguments);
        panel.own = Some(folder);
        panel
    }

    /// Opens the panel in a folder that has a project file.
    pub(crate) fn within(folder: &Path, size: (u16, u16), environment: &[(&str, &str)]) -> Self {
        Self::start(folder, size, environment, &[])
    }

    /// Runs one command in the terminal, in a folder that has a project file.
    pub(crate) fn command(folder: &Path, size: (u16, u16), arguments: &[&str]) -> Self {
        Self::start(folder, size, &[], arguments).leaving()
    }

    /// Takes nothing down when it is dropped.
    pub(crate) fn leaving(mut self) -> Self {
        self.leaves = true;
        self
    }

    /// Runs another program in the terminal, in any folder.
    pub(crate) fn program_of_ours(
        program: &str,
        folder: &Path,
        environment: &[(&str, &str)],
        arguments: &[&str],
    ) -> Self {
        Self::run(program, folder, (80, 24), environment, arguments).leaving()
    }

    /// Opens a shell with job control in a fresh folder with this project file; in it, `$NKAPP ui` opens the panel.
    pub(crate) fn shell(project: &str) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("nanokit.yml"), project).expect("project file");
        let environment = [("NKAPP", NKAPP), ("PS1", "shell> "), ("ENV", "")];
        let mut panel = Self::run("sh", folder.path(), (80, 24), &environment, &["-i"]);
        panel.own = Some(folder);
        panel
    }

    fn start(
        folder: &Path,
        size: (u16, u16),
        environment: &[(&str, &str)],
        arguments: &[&str],
    ) -> Self {
        Self::run(NKAPP, folder, size, environment, arguments)
    }

    fn run(
        program: &str,
        folder: &Path,
        size: (u16, u16),
        environment: &[(&str, &str)],
        arguments: &[&str],
    ) -> Self {
        let (columns, rows) = size;
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).expect("pseudo-terminal");
        let mut command = CommandBuilder::new(program);
        command.cwd(folder);
        command.env_clear();
        command.env("PATH", std::env::var("PATH").unwrap_or_default());
        command.env("HOME", folder);
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        let here = folder.display().to_string();
        for (name, value) in environment {
            command.env(name, value.replace("{folder}", &here));
        }
        command.args(arguments);
        let child = pair.slave.spawn_command(command).expect("started");
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().expect("reader");
        let keyboard = pair.master.take_writer().expect("writer");
        let (sender, output) = channel();
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            master: Some(pair.master),
            reader: Some(reader),
            keyboard,
            child,
            output,
            screen: vt100::Parser::new(cells(rows), cells(columns), 0),
            bytes: Vec::new(),
            folder: folder.to_owned(),
            own: None,
            leaves: false,
        }
    }

    /// Types keys.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("typed");
        self.keyboard.flush().expect("typed");
    }

    /// Writes a program into the folder.
    pub(crate) fn program(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.folder.join(name);
        std::fs::write(&path, script).expect("program");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("program");
    }

    /// Tells whether the mouse is asked for just now.
    pub(crate) fn mouse(&self) -> bool {
        self.screen.screen().mouse_protocol_mode() != vt100::MouseProtocolMode::None
    }

    /// Where it was opened.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
    /// Writes the project file anew.
    pub(crate) fn write(&self, project: &str) {
        std::fs::write(self.folder.join("nanokit.yml"), project).expect("project file");
    }

    /// Changes the size of the terminal.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        self.screen
            .screen_mut()
            .set_size(cells(rows), cells(columns));
        self.only_tell_size(columns, rows);
    }

    /// Changes the size as the program is told it, also to what no screen has.
    pub(crate) fn only_tell_size(&self, columns: u16, rows: u16) {
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let master = self.master.as_ref().expect("a terminal");
        master.resize(size).expect("resized");
    }

    /// Takes the terminal away, as a window does that is closed. The program has to answer the key with something.
    pub(crate) fn hang_up(&mut self, key: &str) {
        self.output = channel().1;
        self.keys(key);
        // Its side of the terminal is closed with what comes next.
        let reader = self.reader.take().expect("a terminal");
        reader.join().expect("read to the end");
        self.keyboard = Box::new(std::io::sink());
        self.master = None;
    }

    /// Waits for the end of a program whose terminal is gone; returns its exit code.
    pub(crate) fn gone(&mut self) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.exit_code();
            }
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Tells whether the panel's own screen is on.
    pub(crate) fn is_drawn(&self) -> bool {
        self.screen.screen().alternate_screen()
    }

    /// Clicks on a text on the screen.
    pub(crate) fn click(&mut self, text: &str) {
        let screen = self.screen.screen().contents();
        let found = screen.lines().enumerate().find_map(|(row, line)| {
            let (before, _) = line.split_once(text)?;
            Some((before.chars().count() + 1, row + 1))
        });
        let (column, row) = found.unwrap_or_else(|| panic!("no {text:?} to click on:\n{screen}"));
        self.keys(&format!(
            "\u{1b}[<0;{column};{row}M\u{1b}[<0;{column};{row}m"
        ));
    }

    /// Asks the process to end.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends the process a signal.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.process_id().expect("pid").to_string();
        let status = std::process::Command::new("kill")
            .args([&format!("-{name}"), &pid])
            .status()
            .expect("kill");
        assert!(status.success());
    }

    /// Waits until the screen shows a text.
    pub(crate) fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.screen.screen().contents().contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.take(&bytes),
                Err(error) => panic!(
                    "{text:?} did not come ({error}); the screen is\n{}",
                    self.screen.screen().contents()
                ),
            }
        }
    }

    /// Waits until the screen shows a text no more.
    pub(crate) fn wait_gone(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.screen.screen().contents().contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.take(&bytes),
                Err(error) => panic!(
                    "{text:?} stays ({error}); the screen is\n{}",
                    self.screen.screen().contents()
                ),
            }
        }
    }

    /// Looks at the screen as long as a person does before answering: a question takes no answer that comes with
    /// the key that asked.
    pub(crate) fn look(&mut self) {
        let deadline = Instant::now() + Duration::from_millis(400);
        while let Ok(bytes) = self
            .output
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            self.take(&bytes);
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.screen.process(bytes);
    }

    /// Everything that was ever written must be what the panel may write.
    fn check_bytes(&self) {
        if let Err(fault) = crate::grammar::check(&self.bytes) {
            let from = fault.at.saturating_sub(60);
            let near = self.bytes.get(from..(fault.at + 60).min(self.bytes.len()));
            let near = String::from_utf8_lossy(near.unwrap_or_default()).into_owned();
            panic!("{} at byte {}: near {near:?}", fault.what, fault.at);
        }
    }

    /// Waits for the end.
    pub(crate) fn ended(mut self) -> End {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!(
                    "it did not end; the screen is\n{}",
                    self.screen.screen().contents()
                ),
            }
        }
        self.check_bytes();
        let code = self.child.wait().expect("ended").exit_code();
        let screen = self.screen.screen();
        End {
            code,
            restored: !screen.alternate_screen()
                && !screen.hide_cursor()
                && !screen.bracketed_paste(),
            screen: screen.contents(),
            bytes: std::mem::take(&mut self.bytes),
        }
    }
}

impl Drop for Panel {
    fn drop(&mut self) {
        // Whatever a deploy started goes with the test; with nothing deployed there is nothing to take down.
        let _ = self.child.kill();
        if self.leaves {
            return;
        }
        let _ = std::process::Command::new(NKAPP)
            .args(["destroy", "-y"])
            .current_dir(&self.folder)
            .output();
    }
}
