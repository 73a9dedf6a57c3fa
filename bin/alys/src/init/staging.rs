//! Files that appear together: made in a folder beside their place, and named one by one at the end.
//!
//! 1. `.init.partial` is filled. A kill leaves only it, and the next try removes it.
//! 2. It is renamed to `.init`: whole, and on the disk.
//! 3. Each piece is renamed to its place, the last one, whose name says that all is there, at the end; `.init` is removed.
//!
//! As long as `.init` has its last piece, nobody has used what was named already: it is taken back from its place, and only
//! it. A `.init` without its last piece is an empty remnant of work that was finished.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use eyre::{WrapErr as _, bail, ensure};

/// Where the files are made.
const PARTIAL: &str = ".init.partial";
/// Where they are when they are whole, until they have their places.
pub(super) const READY: &str = ".init";
/// In it: the names of the pieces, one a line.
const PIECES: &str = "pieces";

/// Files on their way to their places in `folder`.
pub(super) struct Staging<'a> {
    folder: &'a Path,
    partial: PathBuf,
    pieces: &'a [&'a str],
    last: &'a str,
    /// Held for its lock, which the operating system drops with the process.
    _lock: File,
}

impl<'a> Staging<'a> {
    /// Begins, after what an interrupted one left is gone. `last` is the piece whose place says that all is there.
    ///
    /// # Errors
    /// Where `last` stands already, where another piece stands and was not left by an interrupted one, where another
    /// process is at it, and what the operating system says, with the path.
    pub(super) fn begin(folder: &'a Path, pieces: &'a [&'a str], last: &'a str) -> eyre::Result<Self> {
        create_durably(folder).wrap_err_with(|| format!("cannot make {}", folder.display()))?;
        let lock = lock(folder)?;
        clear(folder, last)?;
        ensure!(
            !folder.join(last).exists(),
            "{} holds a chain already; name another folder",
            folder.display()
        );
        for piece in pieces {
            let taken = folder.join(piece);
            // Also a link that leads nowhere has the name.
            ensure!(
                taken.symlink_metadata().is_err(),
                "{} is there, and {} is not: it may belong to a chain that was here; move it away, or name another folder",
                taken.display(),
                folder.join(last).display()
            );
        }
        let partial = folder.join(PARTIAL);
        fs::create_dir(&partial).wrap_err_with(|| format!("cannot make {}", partial.display()))?;
        super::write(&partial.join(PIECES), &pieces.join("\n"), 0o600)?;
        Ok(Self { folder, partial, pieces, last, _lock: lock })
    }

    /// Where the files are made. Each must be on the disk before [`finish`](Self::finish).
    pub(super) fn folder(&self) -> &Path {
        &self.partial
    }

    /// Gives all files their places. `step` is called after each change.
    pub(super) fn finish(self, step: &mut dyn FnMut() -> eyre::Result<()>) -> eyre::Result<()> {
        sync(&self.partial)?;
        let ready = self.folder.join(READY);
        rename(&self.partial, &ready)?;
        sync(self.folder)?;
        step()?;
        for piece in self.pieces {
            rename(&ready.join(piece), &self.folder.join(piece))?;
            // Before the next: what is named later is never on the disk without what was named earlier.
            sync(self.folder)?;
            step()?;
        }
        rename(&ready.join(self.last), &self.folder.join(self.last))?;
        sync(self.folder)?;
        sync(&ready)?;
        step()?;
        remove(&ready)
    }
}

/// Removes what an interrupted run left in `folder`, and nothing else.
pub(super) fn clear(folder: &Path, last: &str) -> eyre::Result<()> {
    let (ready, partial) = (folder.join(READY), folder.join(PARTIAL));
    if ready.join(last).exists() && !folder.join(last).exists() {
        let list = ready.join(PIECES);
        let pieces = fs::read_to_string(&list).wrap_err_with(|| format!("cannot read {}", list.display()))?;
        for piece in pieces.lines() {
            let (place, back) = (folder.join(piece), ready.join(piece));
            if !back.exists() && place.exists() {
                rename(&place, &back)?;
            }
        }
        sync(folder)?;
    }
    remove(&partial)?;
    if ready.exists() {
        // Not removed in place: a kill in between would leave a folder that looks like a finished one.
        rename(&ready, &partial)?;
        sync(folder)?;
        remove(&partial)?;
    }
    Ok(())
}

/// Takes the folder for this process.
fn lock(folder: &Path) -> eyre::Result<File> {
    let file = File::open(folder).wrap_err_with(|| format!("cannot open {}", folder.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!("another process is making a chain in {}", folder.display()),
        Err(TryLockError::Error(error)) => {
            Err(error).wrap_err_with(|| format!("cannot lock {}", folder.display()))
        }
    }
}

fn rename(from: &Path, to: &Path) -> eyre::Result<()> {
    fs::rename(from, to).wrap_err_with(|| format!("cannot rename {} to {}", from.display(), to.display()))
}

/// Removes a folder with all that is in it, if it is there.
fn remove(folder: &Path) -> eyre::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).wrap_err_with(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Brings the names in a folder to the disk.
fn sync(folder: &Path) -> eyre::Result<()> {
    File::open(folder)
        .and_then(|file| file.sync_all())
        .wrap_err_with(|| format!("cannot sync {}", folder.display()))
}

/// Makes a folder and what is missing above it; each new name is on the disk when it returns.
fn create_durably(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_durably(parent)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    File::open(parent)?.sync_all()
}
