//! The invariants of ARCHITECTURE.md, as ordinary tests over `cargo metadata` and the sources.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use cargo_metadata::{Metadata, MetadataCommand, Package};

/// The crates that hold one actor each.
const ACTORS: [&str; 6] =
    ["alys-storage", "alys-engine", "alys-federation", "alys-chain", "alys-rpc", "alys-supervisor"];

/// What an actor crate may use of the workspace.
const SHARED: [&str; 6] =
    ["alys-primitives", "alys-bus", "alys-database", "alys-testkit", "alys-engine-api", "alys-peers"];

fn metadata() -> Metadata {
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn package<'a>(metadata: &'a Metadata, name: &str) -> &'a Package {
    metadata.packages.iter().find(|p| p.name.as_str() == name).unwrap_or_else(|| panic!("no crate {name}"))
}

fn collect(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// Every `src` file of the workspace with its lines, without what follows `#[cfg(test)]` at its end.
fn sources() -> BTreeMap<String, Vec<String>> {
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
            let text = fs::read_to_string(&path).unwrap();
            let lines = text.lines().take_while(|l| l.trim() != "#[cfg(test)]").map(str::to_owned).collect();
            (path.strip_prefix(&root).unwrap().display().to_string(), lines)
        })
        .collect()
}

/// `file:line: text` of every code line (comments left out) that `bad` finds in files that `of` picks.
fn offenders(of: impl Fn(&str) -> bool, bad: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for (file, lines) in sources().iter().filter(|(file, _)| of(file)) {
        for (at, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if bad(code) {
                found.push(format!("{file}:{}: {}", at + 1, line.trim()));
            }
        }
    }
    found
}

fn none(found: &[String]) {
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

fn names(code: &str, word: &str) -> bool {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == word)
}

#[test]
fn no_actor_crate_depends_on_another_dev_dependencies_included() {
    let metadata = metadata();
    for actor in ACTORS {
        for dependency in &package(&metadata, actor).dependencies {
            let name = dependency.name.as_str();
            // On itself, for its tests with a feature that its users do not have.
            let of_ours = name.starts_with("alys") && dependency.path.is_some() && name != actor;
            assert!(!of_ours || SHARED.contains(&name), "{actor} depends on {name}");
        }
    }
}

#[test]
fn primitives_need_no_runtime_and_the_bus_no_actor() {
    let metadata = metadata();
    let of = |name: &str| -> BTreeSet<String> {
        let normal = package(&metadata, name).dependencies.iter();
        normal.filter(|d| d.kind == cargo_metadata::DependencyKind::Normal).map(|d| d.name.clone()).collect()
    };
    for runtime in ["tokio", "ractor", "futures", "alys-bus", "alys-database"] {
        assert!(!of("alys-primitives").contains(runtime), "primitives depend on {runtime}");
    }
    let ours: Vec<_> = of("alys-bus").into_iter().filter(|d| d.starts_with("alys")).collect();
    // alloy's crates begin with "allo": only the workspace's own are meant.
    assert_eq!(ours, ["alys-primitives"]);
    assert!(of("alys-database").iter().all(|d| !d.starts_with("alys")));
}

#[test]
fn only_the_bus_the_supervisor_the_testkit_and_each_actor_file_name_ractor() {
    let may = |file: &str| {
        ["crates/alys-bus/", "crates/supervisor/", "crates/testkit/"].iter().any(|f| file.starts_with(f))
            || file.ends_with("/src/actor.rs")
    };
    none(&offenders(|file| !may(file), |code| code.contains("ractor::")));
}

#[test]
fn cores_name_neither_ractor_nor_tokio_nor_a_map_whose_order_could_leak() {
    let core = |file: &str| file.contains("/src/core/") || file.starts_with("crates/primitives/");
    let bad = ["ractor", "tokio", "HashMap", "HashSet", "SystemTime", "Instant"];
    none(&offenders(core, |code| bad.iter().any(|word| names(code, word))));
}

#[test]
fn time_comes_from_the_one_clock() {
    let clock = |file: &str| file == "crates/alys-bus/src/clock.rs";
    none(&offenders(|f| !clock(f), |code| code.contains("SystemTime::now") || code.contains("Instant::now")));
}

#[test]
fn no_queue_without_a_bound() {
    none(&offenders(|_| true, |code| names(code, "unbounded_channel") || code.contains("mpsc::channel()")));
}

#[test]
fn only_bus_helpers_spawn_tasks_or_threads() {
    let helper =
        |file: &str| file.starts_with("crates/alys-bus/src/") || file.starts_with("crates/testkit/src/");
    let bad = ["tokio::spawn(", "thread::spawn(", "spawn_blocking(", "thread::Builder::new("];
    none(&offenders(|file| !helper(file), |code| bad.iter().any(|call| code.contains(call))));
}

#[test]
fn the_mechanism_of_the_bus_never_imports_the_protocols() {
    let mechanism = |file: &str| file.starts_with("crates/alys-bus/src/") && !file.contains("/protocol/");
    let bad = |code: &str| code.contains("protocol::") || code.contains("alys_primitives");
    none(&offenders(mechanism, bad));
}

#[test]
fn every_file_says_what_it_is_for_and_none_is_too_long() {
    let mut wrong = Vec::new();
    for (file, lines) in sources() {
        if !lines.first().is_some_and(|line| line.starts_with("//!")) {
            wrong.push(format!("{file} does not begin with a line of documentation"));
        }
        if lines.len() > 600 {
            wrong.push(format!("{file} has {} lines, more than 600", lines.len()));
        }
    }
    none(&wrong);
}

#[test]
fn versions_features_and_lints_stand_in_one_place() {
    for package in metadata().packages {
        let manifest = fs::read_to_string(&package.manifest_path).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{} has lints of its own", package.name);
        let versions: Vec<_> = manifest.lines().filter(|l| l.contains("version = \"")).collect();
        assert!(versions.is_empty(), "{} states versions itself: {versions:?}", package.name);
    }
}

/// Default features build with a Rust toolchain and a C compiler alone.
#[test]
fn nothing_needs_clang_cmake_or_a_system_library() {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).exec().unwrap();
    let banned = [
        "cmake",
        "bindgen",
        "openssl-sys",
        "aws-lc-sys",
        "librocksdb-sys",
        "protobuf-src",
        "zstd-sys",
        "pkg-config",
    ];
    let node = reachable(&metadata, "alys");
    let found: Vec<_> = banned.iter().filter(|name| node.contains(**name)).collect();
    assert!(found.is_empty(), "the node pulls in {found:?}");
}

/// `free of the network and the EVM`: what embeds storage alone stays small.
#[test]
fn embedding_storage_pulls_in_neither_libp2p_nor_revm() {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).exec().unwrap();
    let ledger = reachable(&metadata, "ledger");
    assert!(ledger.contains("sled"), "the walk over the graph is wrong");
    let heavy: Vec<_> = ledger.iter().filter(|n| n.starts_with("libp2p") || n.starts_with("revm")).collect();
    assert!(heavy.is_empty(), "the ledger example pulls in {heavy:?}");
}

/// The names of all normal and build dependencies of a package, transitively.
fn reachable(metadata: &Metadata, name: &str) -> BTreeSet<String> {
    let resolve = metadata.resolve.as_ref().unwrap();
    let nodes: BTreeMap<_, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let names: BTreeMap<_, _> = metadata.packages.iter().map(|p| (&p.id, p.name.to_string())).collect();
    let mut seen = BTreeSet::new();
    let mut queue = vec![&package(metadata, name).id];
    while let Some(id) = queue.pop() {
        if !seen.insert(id) {
            continue;
        }
        for dependency in &nodes[id].deps {
            let dev_only =
                dependency.dep_kinds.iter().all(|k| k.kind == cargo_metadata::DependencyKind::Development);
            if !dev_only {
                queue.push(&dependency.pkg);
            }
        }
    }
    seen.into_iter().map(|id| names[id].clone()).collect()
}
