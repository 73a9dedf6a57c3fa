//! The product code of the workspace as text: its `src` files without what only tests compile.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// A file's lines with their numbers; what only tests compile is left out.
pub(crate) type Lines = Vec<(usize, String)>;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn collect(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // What npm and cargo put there is others' and none of the tree.
            if !path.ends_with("node_modules") && !path.ends_with("target") {
                collect(&path, out);
            }
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// Every `src` file of the workspace, by its path from the root.
pub(crate) fn sources() -> BTreeMap<String, Lines> {
    let root = root();
    let mut files = Vec::new();
    for folder in fs::read_dir(root.join("crates")).unwrap() {
        collect(&folder.unwrap().path().join("src"), &mut files);
    }
    for folder in ["bin/alys/src", "examples/ledger/src", "xtask/src"] {
        collect(&root.join(folder), &mut files);
    }
    files
        .into_iter()
        .map(|path| {
            let lines = product(&fs::read_to_string(&path).unwrap());
            (path.strip_prefix(&root).unwrap().display().to_string(), lines)
        })
        .collect()
}

/// Every Rust file of the tree, tests and benches included, by its path from the root.
pub(crate) fn every_file() -> BTreeMap<String, String> {
    let root = root();
    let mut files = Vec::new();
    for folder in ["bin", "crates", "examples", "tests", "xtask"] {
        collect(&root.join(folder), &mut files);
    }
    let named = |path: PathBuf| {
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        (name, fs::read_to_string(&path).unwrap())
    };
    files.into_iter().map(named).collect()
}

/// The lines of a file without the items under `#[cfg(test)]`.
///
/// An item ends as rustfmt writes it: with the line at its own indentation that closes its brace, or
/// that ends the statement. Where a string of a test looks like such a line, more is read than should
/// be: what is doubtful counts as product code.
pub(crate) fn product(text: &str) -> Lines {
    let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    let mut kept = Vec::new();
    while let Some((number, line)) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            kept.push((number, line.to_owned()));
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let is_last = |line: &str| {
            let at_the_same = line.len() - line.trim_start().len() == indent;
            let is_attribute = line.trim_start().starts_with("#[");
            at_the_same && !is_attribute && line.trim_end().ends_with(['}', ';', ','])
        };
        // Consumes the item with its attributes.
        lines.by_ref().find(|(_, line)| is_last(line));
    }
    kept
}

/// `file:line: text` of every code line (comments left out) that `bad` finds in these lines.
pub(crate) fn found_in(file: &str, lines: &Lines, bad: impl Fn(&str) -> bool) -> Vec<String> {
    let code = |line: &str| bad(line.split("//").next().unwrap_or_default());
    let found = lines.iter().filter(|(_, line)| code(line));
    found.map(|(number, line)| format!("{file}:{number}: {}", line.trim())).collect()
}

/// The same in all files that `of` picks.
pub(crate) fn offenders(of: impl Fn(&str) -> bool, bad: impl Fn(&str) -> bool) -> Vec<String> {
    let sources = sources();
    let files = sources.iter().filter(|(file, _)| of(file));
    files.flat_map(|(file, lines)| found_in(file, lines, &bad)).collect()
}

#[test]
fn an_offender_behind_a_test_module_of_another_file_is_found_at_its_line() {
    let planted = "//! A file.\n\n#[cfg(test)]\n#[allow(clippy::unwrap_used)]\nmod tests;\n\nfn late() {\n    \
                   tokio::spawn(async {});\n}\n";
    let found = found_in("late.rs", &product(planted), |code| code.contains("tokio::spawn("));
    assert_eq!(found, ["late.rs:8: tokio::spawn(async {});"]);
}

#[test]
fn an_offender_behind_any_item_of_tests_is_found_and_none_within_one() {
    let planted = "\
//! A file.
impl Kept {
    #[cfg(test)]
    fn kept(&self) -> usize {
        bad(1);
        if true { 1 } else { 2 }
    }

    fn product() {
        bad(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f() {
        bad(3);
    }
}

fn behind_the_tests() {
    bad(4);
}
";
    let found = found_in("f", &product(planted), |code| code.contains("bad("));
    assert_eq!(found, ["f:10: bad(2);", "f:24: bad(4);"]);
}
