//! Why something could not be done in a folder, in words that help.

use std::io;
use std::path::Path;

use crate::adapters::folder::NotAFile;

/// Says whose a file is that we may not touch; every other error is left as it is.
pub(crate) fn explained(error: io::Error, path: &Path) -> io::Error {
    if error.kind() != io::ErrorKind::PermissionDenied {
        return error;
    }
    // The file may be one nobody made yet: then it is its folder that is in the way.
    let nearest = path
        .ancestors()
        .find_map(|place| Some((place, rustix::fs::lstat(place).ok()?)));
    let Some((place, stat)) = nearest else {
        return error;
    };
    let us = rustix::process::geteuid().as_raw();
    let text = format!(
        "{error}: {} belongs to user id {}, mode {:03o}, and this is user id {us}",
        place.display(),
        stat.st_uid,
        stat.st_mode & 0o777,
    );
    io::Error::new(io::ErrorKind::PermissionDenied, text)
}

/// Returns what stands in the place of a file, if that is why an operation failed.
pub(crate) fn hostile(error: &io::Error) -> Option<&'static str> {
    let inner = error.get_ref()?.downcast_ref::<NotAFile>()?;
    Some(inner.0)
}
