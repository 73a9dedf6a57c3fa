//! The line of a configuration file that names the backend, rewritten when the blocks have moved.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
};

use eyre::WrapErr as _;

/// Lets `file` name the backend `to` where it names `from`, atomically; whether it did name `from`. All else stays as it is.
pub(super) fn write(file: &Path, from: &str, to: &str) -> eyre::Result<bool> {
    // A link stays one.
    let file = fs::canonicalize(file).wrap_err_with(|| format!("cannot find {}", file.display()))?;
    let failed = || format!("cannot rewrite {}", file.display());
    let text = fs::read_to_string(&file).wrap_err_with(failed)?;
    let Some(text) = renamed(&text, from, to) else { return Ok(false) };
    let new = file.with_extension("toml.new");
    let rewrite = || {
        let mut out = File::create(&new)?;
        out.set_permissions(fs::metadata(&file)?.permissions())?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        fs::rename(&new, &file)?;
        File::open(file.parent().unwrap_or(Path::new("/")))?.sync_all()
    };
    rewrite().wrap_err_with(failed)?;
    Ok(true)
}

/// The text with another backend in its section `[storage]`; `None` where that names another one than `from`, or none.
fn renamed(text: &str, from: &str, to: &str) -> Option<String> {
    let mut section = "";
    let mut found = false;
    let lines = text.split_inclusive('\n').map(|line| {
        let bare = line.trim();
        if bare.starts_with('[') {
            section = bare;
        }
        let (key, value) = bare.split_once('=').unwrap_or_default();
        let quoted = format!("\"{from}\"");
        if section == "[storage]" && key.trim() == "backend" && value.trim().starts_with(&quoted) {
            found = true;
            return line.replacen(&quoted, &format!("\"{to}\""), 1);
        }
        line.to_owned()
    });
    let text: String = lines.collect();
    found.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_changes_and_only_where_storage_names_the_backend() {
        let text = "# backend = \"sled\"\n[other]\nbackend = \"sled\"\n[storage]\nbackend = \"sled\" # why\npath = \"\"\n";
        let moved = renamed(text, "sled", "redb").unwrap();
        assert_eq!(moved, text.replace("backend = \"sled\" # why", "backend = \"redb\" # why"));
        assert_eq!(renamed(text, "redb", "sled"), None);
        assert_eq!(renamed("[storage]\npath = \"\"\n", "sled", "redb"), None);
        let template = renamed(crate::init::TEMPLATE, "sled", "redb").unwrap();
        assert!(template.contains("backend = \"redb\""));
    }
}
