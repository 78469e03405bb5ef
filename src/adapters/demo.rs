//! The demo project: a small shop that ships inside the program.
//!
//! Unpacking never overwrites: whoever edited the demo, as its file suggests, finds the edit again.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Ports tried for the shop's page.
const PORTS: std::ops::Range<u16> = 8088..8188;

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        [$(($path, include_str!(concat!("../../assets/demo/", $path)))),*]
    };
}

const FILES: [(&str, &str); 15] = files![
    "nanokit.yml",
    "scripts/lib.sh",
    "scripts/packages.txt",
    "scripts/api.sh",
    "scripts/cache.sh",
    "scripts/database.sh",
    "scripts/health.sh",
    "scripts/hook.sh",
    "scripts/host.sh",
    "scripts/install.sh",
    "scripts/mailer.sh",
    "scripts/migrate.sh",
    "scripts/web.sh",
    "scripts/worker.sh",
    ".gitignore",
];

/// Writes the demo project into a folder, making it if needed; files that are there already stay as they are.
///
/// The page's port is chosen free on the first unpacking and kept in `.env`.
pub fn unpack(into: &Path) -> io::Result<()> {
    std::fs::create_dir_all(into.join("scripts"))?;
    for (path, text) in FILES {
        let is_script = Path::new(path).extension().is_some_and(|e| e == "sh");
        write_new(
            &into.join(path),
            text,
            if is_script { 0o755 } else { 0o644 },
        )?;
    }
    if !into.join(".env").exists() {
        let free = |port: &u16| TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).is_ok();
        let port = PORTS.clone().find(free).unwrap_or(PORTS.start);
        let text = format!(
            "# The port of the shop's page, free when this was unpacked.\nSHOP_PORT={port}\n"
        );
        write_new(&into.join(".env"), &text, 0o644)?;
    }
    Ok(())
}

fn write_new(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let opened = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path);
    match opened {
        Ok(mut file) => file.write_all(text.as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn unpacking_writes_every_file_and_keeps_edits() {
        let temp = tempfile::tempdir().unwrap();
        let into = temp.path().join("demo");
        unpack(&into).unwrap();
        for (path, text) in FILES {
            assert_eq!(std::fs::read_to_string(into.join(path)).unwrap(), text);
        }
        let mode = std::fs::metadata(into.join("scripts/api.sh")).unwrap();
        assert_eq!(mode.permissions().mode() & 0o111, 0o111);
        let env = std::fs::read_to_string(into.join(".env")).unwrap();
        assert!(env.contains("SHOP_PORT=8"), "{env}");

        std::fs::write(into.join("nanokit.yml"), "name: mine\n").unwrap();
        unpack(&into).unwrap();
        let kept = std::fs::read_to_string(into.join("nanokit.yml")).unwrap();
        assert_eq!(kept, "name: mine\n");
    }

    #[test]
    fn every_script_the_project_names_is_packed() {
        let (_, file) = FILES[0];
        for word in file.split(|c: char| c.is_whitespace() || ",]\"".contains(c)) {
            if let Some(script) = word.strip_suffix(".sh") {
                let name = format!("scripts/{}.sh", script.trim_start_matches("scripts/"));
                assert!(FILES.iter().any(|(path, _)| *path == name), "{name}");
            }
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo/scripts");
        let packed = FILES
            .iter()
            .filter(|(path, _)| path.starts_with("scripts/"));
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), packed.count());
    }
}
