//! The whole way from text to project, on a tree in memory.

use super::*;
use crate::domain::config::digest::of_parts;

/// Files in memory; folders are what their paths imply.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Memory {
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(path, text)| (Path::new("/p").join(path), text.as_bytes().to_vec()));
        Self {
            files: files.collect(),
        }
    }
}

impl SourceTree for Memory {
    fn read(&self, path: &Path, _limit: u64) -> Result<Option<Vec<u8>>, String> {
        Ok(self.files.get(path).cloned())
    }
    fn names(&self, folder: &Path) -> Vec<String> {
        let below = self
            .files
            .keys()
            .filter_map(|path| path.strip_prefix(folder).ok());
        let names: BTreeSet<String> = below
            .filter_map(|path| Some(path.iter().next()?.to_string_lossy().into_owned()))
            .collect();
        names.into_iter().collect()
    }
    fn is_file(&self, path: &Path) -> Option<bool> {
        if self.files.contains_key(path) {
            return Some(true);
        }
        self.files
            .keys()
            .any(|file| file.starts_with(path))
            .then_some(false)
    }
    fn digest_file(&self, path: &Path) -> Option<Digest> {
        let bytes = self.files.get(path)?;
        Some(of_parts([String::from_utf8_lossy(bytes).as_ref()]))
    }
    fn digest_tree(&self, folder: &Path, ignore: &[String]) -> Result<Digest, String> {
        let files = self.files.iter().filter(|(path, _)| {
            path.strip_prefix(folder)
                .is_ok_and(|rest| !ignore.iter().any(|line| rest == Path::new(line)))
        });
        let parts: Vec<String> = files
            .flat_map(|(path, bytes)| {
                [
                    path.display().to_string(),
                    String::from_utf8_lossy(bytes).into_owned(),
                ]
            })
            .collect();
        Ok(of_parts(parts.iter().map(String::as_str)))
    }
}

pub(crate) fn input<'a>(tree: &'a Memory, text: &str) -> LoadInput<'a> {
    LoadInput {
        file: "/p/nanokit.yml".into(),
        shown: "nanokit.yml".into(),
        text: text.as_bytes().to_vec(),
        tree,
        env: None,
        branch: None,
        process_env: BTreeMap::new(),
        env_file: None,
        override_env: false,
    }
}

/// Findings as `CODE line:column message`.
pub(crate) fn told(loaded: &Loaded) -> Vec<String> {
    let line = |d: &Diagnostic| {
        let place = d
            .primary
            .as_ref()
            .and_then(|label| loaded.sources.place(label.span));
        let place = place.map_or_else(|| "-".to_owned(), |p| format!("{}:{}", p.line, p.column));
        format!("{} {place} {}", d.code, d.message)
    };
    loaded.diagnostics.iter().map(line).collect()
}

#[test]
fn an_ordinary_file_becomes_a_project() {
    let tree = Memory::with(&[("web/package.json", "{}")]);
    let text = "name: shop\nservices:\n  db:\n    image: postgres:16\n    expose: 5432\n  web:\n    path: ./web\n    port: 8080\n    depends_on: [db]\n    env: { V: 1.10 }\n";
    let loaded = load(&input(&tree, text));
    assert_eq!(told(&loaded), Vec::<String>::new());
    let project = loaded.project.expect("no errors");
    assert_eq!(project.services.len(), 2);
    let web = &project.services["web"];
    assert_eq!(web.image.as_deref(), Some("node:22-slim"));
    assert_eq!(
        web.env["V"],
        crate::domain::project::service::EnvValue::Plain("1.10".into())
    );
    assert!(project.networks.contains_key("default"));
}
