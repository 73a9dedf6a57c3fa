//! Finding the shared test vectors.

use std::{
    env,
    path::{Path, PathBuf},
};

/// Where `path` lies among the shared vectors: below the folder that `ALYS_VECTORS` names, by default
/// `../shared/vectors` beside the workspace.
///
/// None where it is absent: the reason is printed, and the test must skip.
///
/// # Panics
/// Where it is absent and `CI` is set: what CI skips silently is never run.
pub fn vectors(path: impl AsRef<Path>) -> Option<PathBuf> {
    let root = env::var_os("ALYS_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"), PathBuf::from);
    find(&root, path.as_ref(), env::var_os("CI").is_some())
}

fn find(root: &Path, path: &Path, must_exist: bool) -> Option<PathBuf> {
    let found = root.join(path);
    if found.exists() {
        return Some(found);
    }
    let reason =
        format!("no test vectors at {}; ALYS_VECTORS names the folder that has them", found.display());
    assert!(!must_exist, "{reason}; CI is set, so this test may not be skipped");
    eprintln!("skipped: {reason}");
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_that_are_there_are_found() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(find(here, Path::new("src"), true), Some(here.join("src")));
    }

    #[test]
    fn absent_vectors_skip_a_test() {
        assert_eq!(find(Path::new("/nowhere"), Path::new("bls"), false), None);
    }

    #[test]
    #[should_panic(expected = "may not be skipped")]
    fn absent_vectors_fail_a_test_in_ci() {
        find(Path::new("/nowhere"), Path::new("bls"), true);
    }
}
