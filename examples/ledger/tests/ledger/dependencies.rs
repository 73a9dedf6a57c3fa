//! What a program that embeds storage and supervisor is built from.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, MetadataCommand, PackageId};

/// Everything that goes into the program, by name; not what only builds or tests need.
fn built_from(root: &str) -> BTreeSet<String> {
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .other_options(["--offline".to_owned(), "--locked".to_owned()])
        .exec()
        .unwrap();
    let resolve = metadata.resolve.as_ref().unwrap();
    let name = |id: &PackageId| metadata[id].name.to_string();
    let start = resolve.nodes.iter().find(|node| name(&node.id) == root).unwrap();
    let mut found: BTreeSet<PackageId> = BTreeSet::new();
    let mut left = vec![start.id.clone()];
    while let Some(id) = left.pop() {
        if !found.insert(id.clone()) {
            continue;
        }
        let node = resolve.nodes.iter().find(|node| node.id == id).unwrap();
        let normal = node
            .deps
            .iter()
            .filter(|dependency| dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal));
        left.extend(normal.map(|dependency| dependency.pkg.clone()));
    }
    found.iter().map(name).collect()
}

#[test]
fn a_program_of_storage_and_supervisor_pulls_in_neither_libp2p_nor_revm_nor_another_actor() {
    let names = built_from("ledger");
    // The walk works at all.
    for wanted in ["alys-storage", "alys-supervisor", "sled", "redb", "ractor"] {
        assert!(names.contains(wanted), "{wanted} is not among {names:?}");
    }
    let strange = |name: &&String| {
        name.starts_with("libp2p")
            || name.starts_with("revm")
            || name.starts_with("alloy-evm")
            || ["alys-engine", "alys-network", "alys-chain", "alys-federation", "alys-bridge", "alys-rpc"]
                .contains(&name.as_str())
            || name.starts_with("jsonrpsee")
    };
    assert_eq!(names.iter().filter(strange).collect::<Vec<_>>(), Vec::<&String>::new());
}
