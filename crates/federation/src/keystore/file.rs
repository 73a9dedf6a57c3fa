//! Private files: readable by their owner alone, replaced atomically, durable when written.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use super::KeystoreError;

/// A keystore is about 1 KiB; more than this is not read.
const MAX_BYTES: u64 = 64 << 10;

/// What to do with a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Leave it, and say so: a key that is overwritten is lost.
    Refuse,
    /// Replace it atomically.
    Replace,
}

/// Reads a file that only its owner may read.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, KeystoreError> {
    let file = File::open(path).map_err(failed("open", path))?;
    // Asked of the open file, so that the answer is about what is read.
    let metadata = file.metadata().map_err(failed("inspect", path))?;
    check_mode(path, &metadata)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed("read", path))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(KeystoreError::TooLarge { path: path.to_owned(), limit: MAX_BYTES });
    }
    Ok(bytes)
}

/// Writes a file that only its owner may read; on the disk under its name when this returns.
///
/// A file beside it is written and synced first and then takes the name, so a crash leaves the old
/// file or the new one, and at worst a `.tmp` that nothing reads.
pub(super) fn write(path: &Path, bytes: &[u8], existing: Existing) -> Result<(), KeystoreError> {
    let temporary = temporary_beside(path)?;
    let result = write_new(&temporary, bytes).and_then(|()| match existing {
        Existing::Replace => fs::rename(&temporary, path).map_err(failed("replace", path)),
        // Unlike a rename, a link fails where the name is taken.
        Existing::Refuse => fs::hard_link(&temporary, path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => KeystoreError::Exists(path.to_owned()),
            _ => failed("create", path)(source),
        }),
    });
    if result.is_err() || existing == Existing::Refuse {
        // Gone already after a rename; otherwise a second name for the same file, or a failed try.
        let _ = fs::remove_file(&temporary);
    }
    result?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Creates `folder`, open to its owner alone, and syncs its parent. One that exists stays as it is.
pub(super) fn create_private_folder(folder: &Path) -> Result<(), KeystoreError> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(failed("create", folder))?;
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
        _ => sync_folder(Path::new(".")),
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), KeystoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(failed("create", path))?;
    file.write_all(bytes).map_err(failed("write", path))?;
    file.sync_all().map_err(failed("sync", path))
}

fn sync_folder(folder: &Path) -> Result<(), KeystoreError> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder).and_then(|file| file.sync_all()).map_err(failed("sync", folder))
}

fn temporary_beside(path: &Path) -> Result<PathBuf, KeystoreError> {
    let mut unique = [0; 8];
    crate::entropy::fill(&mut unique).map_err(KeystoreError::Entropy)?;
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", hex::encode(unique)));
    Ok(path.with_file_name(name))
}

#[cfg(unix)]
fn check_mode(path: &Path, metadata: &fs::Metadata) -> Result<(), KeystoreError> {
    let mode = std::os::unix::fs::MetadataExt::mode(metadata) & 0o7777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeystoreError::TooOpen { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn check_mode(_: &Path, _: &fs::Metadata) -> Result<(), KeystoreError> {
    Ok(())
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeystoreError {
    let path = path.to_owned();
    move |source| KeystoreError::Io { action, path, source }
}
