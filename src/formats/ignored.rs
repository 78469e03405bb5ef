//! The decisions to live with drift, one file for each state document.

use serde::{Deserialize, Serialize};

use crate::domain::ids::Address;
use crate::domain::report::ignored::Ignored;
use crate::formats::error::FormatError;
use crate::formats::text;

/// Word in the `format` field.
pub const FORMAT: &str = "nanokit-ignored";
/// Newest version that can be read and the one that is written.
pub const VERSION: u64 = 1;

#[derive(Serialize, Deserialize)]
pub(super) struct IgnoredWire {
    address: String,
    path: Option<String>,
    reason: String,
    by: String,
    at: String,
    until: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct DocumentWire {
    format: String,
    version: u64,
    ignored: Vec<IgnoredWire>,
}

/// Writes all decisions.
#[must_use]
pub fn encode(all: &[Ignored]) -> Vec<u8> {
    let document = DocumentWire {
        format: FORMAT.to_owned(),
        version: VERSION,
        ignored: all.iter().map(wire).collect(),
    };
    let mut bytes = serde_json::to_vec_pretty(&document).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Reads them.
pub fn decode(bytes: &[u8]) -> Result<Vec<Ignored>, FormatError> {
    let document = text::parse(bytes)?;
    text::check_header(&document, FORMAT, VERSION)?;
    let document: DocumentWire = text::from_value(document)?;
    document.ignored.into_iter().map(read).collect()
}

fn read(wire: IgnoredWire) -> Result<Ignored, FormatError> {
    let address = Address::parse(&wire.address)
        .ok_or_else(|| FormatError::Field(format!("`{}` is no address", wire.address)))?;
    Ok(Ignored {
        address,
        path: wire.path,
        reason: wire.reason,
        by: wire.by,
        at: text::wall(&wire.at)?,
        until: wire.until.as_deref().map(text::wall).transpose()?,
    })
}

/// Writes one decision, for reports too.
pub(super) fn wire(one: &Ignored) -> IgnoredWire {
    IgnoredWire {
        address: one.address.to_string(),
        path: one.path.clone(),
        reason: one.reason.clone(),
        by: one.by.clone(),
        at: text::rfc3339(one.at),
        until: one.until.map(text::rfc3339),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Wall;

    #[test]
    fn decisions_survive_their_file_and_garbage_is_refused() {
        let all = vec![Ignored {
            address: Address::service("api"),
            path: Some("memory".into()),
            reason: "a trial".into(),
            by: "me@here".into(),
            at: Wall(1_000),
            until: Some(Wall(2_000)),
        }];
        assert_eq!(decode(&encode(&all)).expect("read back"), all);
        for garbage in [
            "",
            "{}",
            r#"{"format":"nanokit-ignored","version":1,"ignored":[{}]}"#,
        ] {
            assert!(decode(garbage.as_bytes()).is_err(), "{garbage}");
        }
    }
}
