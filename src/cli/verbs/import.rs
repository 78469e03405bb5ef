//! `nkapp import`: a project file from a Compose project; whatever cannot be carried over is named.

use std::path::Path;

use serde_json::json;

use crate::app::failure::{Failure, FailureKind};
use crate::cli::compose::convert as compose;
use crate::cli::errand::Errand;
use crate::cli::exit;
use crate::present::role::{Role, Row};

pub(super) fn import(
    errand: &mut Errand<'_>,
    path: &Path,
    output: Option<&Path>,
) -> Result<u8, Failure> {
    let bytes = errand.ground.read(path)?;
    let folder = errand.ground.folder();
    let imported = compose::convert(&bytes, &folder).map_err(|why| {
        Failure::new(FailureKind::InvalidConfig, "that is no Compose file")
            .about(path.display().to_string())
            .source(why)
    })?;
    let to_stdout = output == Some(Path::new("-"));
    let target = output.unwrap_or(Path::new("nanokit.yml"));
    if to_stdout && !errand.printer.json {
        errand.printer.text(&imported.text);
    } else if !to_stdout && !errand.ground.write_new(target, imported.text.as_bytes())? {
        return Err(
            Failure::new(FailureKind::Refused, "the file exists and is left as it is")
                .about(target.display().to_string())
                .hint("name another one with `--output FILE`, or print it with `--output -`"),
        );
    }
    for left in &imported.left_out {
        let row = Row::at(0)
            .with(Role::Warn, "! ")
            .with(Role::Path, &left.path)
            .with(Role::Plain, format!(": {}", left.why));
        errand.printer.say(&[row]);
    }
    if errand.printer.json {
        let left: Vec<_> = imported
            .left_out
            .iter()
            .map(|l| json!({"path": l.path, "why": l.why}))
            .collect();
        errand.printer.document(&json!({
            "written": (!to_stdout).then(|| target.display().to_string()),
            "text": imported.text,
            "left_out": left,
        }));
    } else if !to_stdout {
        errand.printer.rows(&[Row::at(0)
            .with(Role::Good, "Wrote ")
            .with(Role::Path, target.display().to_string())
            .with(Role::Dim, " · next: ")
            .with(Role::Key, "nkapp validate")]);
    }
    Ok(exit::DONE)
}
