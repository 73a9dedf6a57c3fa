//! `docs/protocol.md` names functions and tests: they exist, and its limits are those of the code.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use alys_primitives::limits;
use ssz_types::typenum::Unsigned;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn document() -> String {
    fs::read_to_string(workspace().join("docs/protocol.md")).unwrap()
}

/// All Rust sources below a folder, as one text.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text += &sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &fs::read_to_string(path).unwrap();
        }
    }
    text
}

/// What stands between backticks.
fn names(document: &str) -> BTreeSet<&str> {
    document.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

fn defines(source: &str, name: &str) -> bool {
    ["fn", "struct", "enum", "trait", "const", "type"].iter().any(|keyword| {
        let needle = format!("{keyword} {name}");
        source.match_indices(&needle).any(|(at, _)| {
            let next = source[at + needle.len()..].chars().next();
            !next.is_some_and(|c| c.is_alphanumeric() || c == '_')
        })
    })
}

#[test]
fn every_function_and_test_that_the_protocol_names_exists() {
    let document = document();
    let all = sources(&workspace().join("crates"));
    let mut looked_up = 0;
    for name in names(&document) {
        let is_path = name
            .split_once("::")
            .filter(|(_, item)| !item.contains(|c: char| !c.is_alphanumeric() && c != '_'));
        if let Some((owner, item)) = is_path {
            // What another crate says of itself stands in its protocol on the bus.
            let folder = workspace().join("crates").join(owner).join("src");
            let source = sources(&folder) + &sources(&workspace().join("crates/alys-bus/src/protocol"));
            assert!(folder.is_dir() && defines(&source, item), "{name} does not exist");
            looked_up += 1;
        } else if name.matches('_').count() >= 3
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        {
            let is_field = all.contains(&format!("pub {name}:"));
            assert!(is_field || defines(&all, name), "there is no test {name}");
            looked_up += 1;
        }
    }
    assert!(looked_up > 60, "{looked_up}");
}

#[test]
fn every_limit_in_the_protocol_is_the_one_in_the_code() {
    let document = document();
    let source = fs::read_to_string(workspace().join("crates/primitives/src/limits.rs")).unwrap();
    let mut listed = 0;
    macro_rules! check {
        ($($name:ident),+ $(,)?) => {$(
            let row = format!("| `{}` | {} |", stringify!($name), limits::$name::USIZE);
            assert!(document.contains(&row), "the protocol does not say: {row}");
            listed += 1;
        )+};
    }
    check!(
        MaxOptional,
        MaxJustifications,
        MaxBitcoinHeaders,
        MaxDeposits,
        MaxOutputs,
        MaxPayouts,
        MaxBurnsPerPayout,
        MaxSettlements,
        MaxGovernance,
        MaxEvidence,
        MaxTransactionBytes,
        MaxBranch,
        MaxBundle,
        MaxGovernanceBytes,
        MaxMemberList,
        MaxRequests,
        MaxRequestBytes,
        MaxGenesisAccounts,
        MaxGenesisSlots,
        MaxGenesisCode,
        MaxWaitingCredits,
    );
    assert_eq!(listed, source.matches("pub type Max").count(), "a limit is missing here");
}
