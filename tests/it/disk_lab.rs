//! Real file systems on loop devices, whose disk can be taken away at once. Needs root, loop devices and the tools of
//! ext4 and xfs; where one is missing the tests fail and say so.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system in a file, mounted somewhere. Dropped, it is unmounted.
pub(crate) struct Image {
    _folder: tempfile::TempDir,
    file: PathBuf,
    place: PathBuf,
    options: String,
    kind: String,
}

/// Asks the kernel to drop everything that is not on the disk yet and to fail whatever is asked from then on.
pub(crate) const SHUTDOWN: &str =
    "import fcntl,os,struct,sys; fcntl.ioctl(os.open(sys.argv[1],0),0x8004587D,struct.pack('I',2))";

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| {
        panic!("`{program}` is needed for the tests with real disks (packages e2fsprogs, xfsprogs, mount, python3): {error}")
    });
    assert!(
        output.status.success(),
        "`{program} {}` failed; the tests with real disks need root and loop devices: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
}

impl Image {
    /// Makes a file system of `bytes` and mounts it over `place`.
    pub(crate) fn over(place: &Path, kind: &str, options: &str, bytes: u64) -> Self {
        let folder = tempfile::tempdir().expect("temp folder");
        let file = folder.path().join("image");
        let made = std::fs::File::create(&file).expect("a file");
        made.set_len(bytes).expect("a sparse file");
        let path = file.display().to_string();
        match kind {
            "xfs" => run("mkfs.xfs", &["-q", "-f", &path]),
            _ => run("mkfs.ext4", &["-q", "-F", "-m", "0", &path]),
        }
        let image = Self {
            _folder: folder,
            file,
            place: place.to_owned(),
            options: options.to_owned(),
            kind: kind.to_owned(),
        };
        image.mount("");
        image
    }

    pub(crate) fn mount(&self, more: &str) {
        // A copy may be mounted while the original still is.
        let twin = if self.kind == "xfs" { "nouuid" } else { "" };
        let options = ["loop", twin, &self.options, more]
            .iter()
            .filter(|option| !option.is_empty())
            .copied()
            .collect::<Vec<_>>()
            .join(",");
        let (file, place) = (self.file.display().to_string(), self.place());
        run("mount", &["-o", &options, &file, &place]);
    }

    pub(crate) fn unmount(&self) {
        // A process that is just being started elsewhere holds our files until it runs its program.
        for _ in 0..500 {
            let output = Command::new("umount").arg(&self.place).output();
            if output.expect("umount runs").status.success() {
                return;
            }
        }
        run("umount", &[&self.place()]);
    }

    /// The power fails: what was not synced is gone. The disk is back when this returns, as a copy of what reached it:
    /// a container that starts meanwhile holds every mount of the machine, and with it the file system that was cut off.
    pub(crate) fn recover(&self) {
        let _ = Command::new("sync").args(["-f", &self.place()]).output();
        self.unmount();
        let copy = self.file.with_extension("copy");
        let names = (self.file.display().to_string(), copy.display().to_string());
        run("cp", &["--sparse=always", &names.0, &names.1]);
        run("mv", &["-f", &names.1, &names.0]);
        self.mount("");
    }

    /// The disk dies under whoever uses it.
    pub(crate) fn shut_down(&self) {
        run("python3", &["-c", SHUTDOWN, &self.place()]);
    }

    fn place(&self) -> String {
        self.place.display().to_string()
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.place).output();
    }
}
