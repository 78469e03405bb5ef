//! `nkapp init`: a first project file for this folder, from what lies in it.

use std::path::Path;

use crate::app::failure::{Failure, FailureKind};
use crate::cli::errand::Errand;
use crate::cli::exit;
use crate::domain::ids::check_name;
use crate::present::role::{Role, Row};

const FILE: &str = "nanokit.yml";

pub(super) fn init(errand: &mut Errand<'_>, name: Option<&str>) -> Result<u8, Failure> {
    let name = match name {
        Some(name) => {
            check_name(name).map_err(|e| {
                Failure::new(
                    FailureKind::Refused,
                    format!("`{name}` cannot be a project's name"),
                )
                .source(e.to_string())
            })?;
            name.to_owned()
        }
        None => from_folder(&errand.ground.folder()),
    };
    let text = template(&name, errand.ground.has(Path::new("Dockerfile")));
    if !errand.ground.write_new(Path::new(FILE), text.as_bytes())? {
        return Err(Failure::new(
            FailureKind::Refused,
            format!("{FILE} exists and is left as it is"),
        )
        .next("nkapp validate"));
    }
    if errand.printer.json {
        errand
            .printer
            .document(&serde_json::json!({"written": FILE, "project": name}));
    } else {
        errand.printer.rows(&[
            Row::at(0)
                .with(Role::Good, "Wrote ")
                .with(Role::Path, FILE)
                .with(Role::Plain, format!(" for project {name}")),
            Row::at(0)
                .with(Role::Dim, "next: ")
                .with(Role::Key, "nkapp plan"),
        ]);
    }
    Ok(exit::DONE)
}

/// Makes a valid name of the folder's.
fn from_folder(folder: &Path) -> String {
    let raw = folder
        .file_name()
        .map(|name| name.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    let name: String = raw
        .chars()
        .map(|c| {
            if c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.') {
                c
            } else {
                '-'
            }
        })
        .take(63)
        .collect();
    let name = name.trim_start_matches(['-', '_', '.']);
    if check_name(name).is_ok() {
        name.to_owned()
    } else {
        "app".to_owned()
    }
}

fn template(name: &str, has_dockerfile: bool) -> String {
    let image = if has_dockerfile {
        "    build: .                     # the Dockerfile in this folder"
    } else {
        "    image: nginx:stable-alpine   # or `build: ./web`"
    };
    format!(
        "# The project file of nanokit. `nkapp validate` checks it, `nkapp plan` shows what it would do.
name: {name}

services:
  web:
{image}
    port: 8080                   # on this machine
    expose: 80                   # inside the container
    # healthcheck: {{ test: [CMD, wget, -q, -O-, 'http://127.0.0.1/'], interval: 2s }}
    # depends_on: [db]
    # volumes: ['data:/var/lib/web']

# volumes:
#   data: {{}}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_gives_a_valid_name() {
        for (folder, expected) in [
            ("/home/me/Shop", "shop"),
            ("/home/me/My App!", "my-app-"),
            ("/home/me/..hidden", "hidden"),
            ("/home/me/Привет", "app"),
            ("/", "app"),
        ] {
            assert_eq!(from_folder(Path::new(folder)), expected, "{folder}");
        }
    }
}
