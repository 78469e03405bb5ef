//! Finds places: environments of a project, projects in folders nearby. Bounded, so that a huge tree costs little.

#![expect(
    clippy::disallowed_methods,
    reason = "the composition root touches the world"
)]

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use crate::boot::hydrate::FILE_NAME;
use crate::domain::config::outline::{self, Outline};
use crate::tui::rooms::place::{Found, Place};

/// How many folders below the one the user stands in are looked into.
const DEPTH: usize = 3;
/// Most folders that are looked into.
const FOLDERS: usize = 2_000;
/// Most projects that are found.
const PROJECTS: usize = 100;
/// Largest project file that is read for its name and environments, in bytes.
const LIMIT: u64 = 1 << 20;
/// Folders nobody keeps projects in.
const SKIPPED: [&str; 4] = ["node_modules", "target", "vendor", "venv"];

/// Returns the name of the folder a project file is in.
pub(super) fn folder_name(file: &Path) -> String {
    let folder = file.parent().and_then(Path::file_name);
    folder.map_or_else(
        || "/".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// Looks for places: environments of the project that is on show, then what was open before, then what is nearby.
pub(super) fn search(from: &Path, here: &Place, before: Vec<Place>) -> Vec<Place> {
    let shown = |file: &Path| {
        let below = file.strip_prefix(from).unwrap_or(file);
        below.display().to_string()
    };
    let mut found: Vec<Place> = Vec::new();
    let mut add = |place: Place| {
        if !found.iter().any(|known| known.is(&place)) {
            found.push(place);
        }
    };
    environments(&here.file, &shown(&here.file), Found::Environment)
        .into_iter()
        .for_each(&mut add);
    for mut place in before {
        place.shown = shown(&place.file);
        // Without a name it would be there twice: by its rule and by the name the rule gives.
        if place.env.is_some() {
            add(place);
        }
    }
    for file in nearby(from) {
        if file != here.file {
            environments(&file, &shown(&file), Found::Nearby)
                .into_iter()
                .for_each(&mut add);
        }
    }
    found
}

/// Returns the environments of a project: those its file names, those there is a state of, and `local`.
fn environments(file: &Path, shown: &str, found: Found) -> Vec<Place> {
    let outline = read(file)
        .map(|text| outline::of(&text))
        .unwrap_or_default();
    let mut names: BTreeSet<String> = outline.environments.iter().cloned().collect();
    names.extend(states(file, &outline));
    let mut ordered = vec!["local".to_owned()];
    ordered.extend(names.into_iter().filter(|name| name != "local"));
    let name = outline.name.unwrap_or_else(|| folder_name(file));
    ordered
        .into_iter()
        .map(|env| Place {
            file: file.to_owned(),
            env: Some(env),
            name: name.clone(),
            shown: shown.to_owned(),
            found,
        })
        .collect()
}

fn read(file: &Path) -> Option<String> {
    let about = std::fs::metadata(file).ok()?;
    if !about.is_file() || about.len() > LIMIT {
        return None;
    }
    std::fs::read_to_string(file).ok()
}

/// Reads environments from the names of state documents: `state[.COMPONENT].ENV.json`.
fn states(file: &Path, outline: &Outline) -> Vec<String> {
    let Some(listing) = file
        .parent()
        .and_then(|folder| std::fs::read_dir(folder).ok())
    else {
        return Vec::new();
    };
    let start = match &outline.component {
        Some(component) => format!("state.{component}."),
        None => "state.".to_owned(),
    };
    listing
        .flatten()
        .take(FOLDERS)
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let env = name.strip_prefix(&start)?.strip_suffix(".json")?;
            (!env.is_empty() && !env.contains('.')).then(|| env.to_owned())
        })
        .collect()
}

/// Walks the folders from here, the near ones first.
fn nearby(from: &Path) -> Vec<PathBuf> {
    let mut waiting = VecDeque::from([(from.to_owned(), 0)]);
    let mut looked = 0;
    let mut files = Vec::new();
    while let Some((folder, depth)) = waiting.pop_front() {
        looked += 1;
        if looked > FOLDERS || files.len() >= PROJECTS {
            break;
        }
        let file = folder.join(FILE_NAME);
        if file.is_file() {
            files.push(file);
        }
        if depth == DEPTH {
            continue;
        }
        let Ok(listing) = std::fs::read_dir(&folder) else {
            continue;
        };
        let mut inner: Vec<PathBuf> = listing
            .flatten()
            .take(FOLDERS)
            // The kind of the entry itself: no link is followed, so no circle is walked.
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .filter(|entry| {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                !name.starts_with('.') && !SKIPPED.contains(&&*name)
            })
            .map(|entry| entry.path())
            .collect();
        inner.sort();
        waiting.extend(inner.into_iter().map(|folder| (folder, depth + 1)));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environments_come_from_the_file_and_from_states() {
        let folder = tempfile::tempdir().expect("folder");
        let root = folder.path();
        let write = |name: &str, text: &str| {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, text).expect("written");
        };
        write(
            "nanokit.yml",
            "name: shop\nenvironments:\n  staging: {}\ngit:\n  environments:\n    main: production\n",
        );
        write("state.demo.json", "{}");
        write("state.json", "{}");
        write("other/deep/nanokit.yml", "name: api\n");
        write("node_modules/x/nanokit.yml", "name: no\n");
        write(".git/nanokit.yml", "name: no\n");
        write("a/b/c/d/nanokit.yml", "name: too deep\n");
        let here = Place {
            file: root.join("nanokit.yml"),
            env: Some("local".into()),
            name: "shop".into(),
            shown: "nanokit.yml".into(),
            found: Found::Given,
        };
        let places = search(root, &here, Vec::new());
        let titles: Vec<String> = places.iter().map(Place::title).collect();
        assert_eq!(
            titles,
            [
                "shop (local)",
                "shop (demo)",
                "shop (production)",
                "shop (staging)",
                "api (local)"
            ]
        );
        assert_eq!(places[4].shown, "other/deep/nanokit.yml");
    }
}
