//! The invariants of ARCHITECTURE.md, as ordinary tests over `cargo metadata` and the sources.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod scan;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use cargo_metadata::{Metadata, MetadataCommand, Package};
use scan::{Lines, every_file, offenders, root, sources};

/// The crates that hold one actor each.
const ACTORS: [&str; 6] =
    ["alys-storage", "alys-engine", "alys-federation", "alys-chain", "alys-rpc", "alys-supervisor"];

/// What an actor crate may use of the workspace.
const SHARED: [&str; 6] =
    ["alys-primitives", "alys-bus", "alys-database", "alys-testkit", "alys-engine-api", "alys-peers"];

fn metadata() -> Metadata {
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().unwrap()
}

fn package<'a>(metadata: &'a Metadata, name: &str) -> &'a Package {
    metadata.packages.iter().find(|p| p.name.as_str() == name).unwrap_or_else(|| panic!("no crate {name}"))
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
    // A log filter may name it.
    let uses = |code: &str| code.contains("ractor::") || names(code, "use") && names(code, "ractor");
    none(&offenders(|file| !may(file), uses));
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
    // The standard library's channel has no bound, and is told from tokio's by having no argument.
    let opens = |rest: &str| {
        let call = match rest.strip_prefix("::<") {
            Some(types) => types.split_once(">(").map(|(_, call)| call),
            None => rest.strip_prefix('('),
        };
        call.is_some_and(|call| call.trim_start().starts_with(')'))
    };
    let unbounded =
        |code: &str| names(code, "unbounded_channel") || code.split("mpsc::channel").skip(1).any(opens);
    assert!(unbounded("mpsc::channel()") && unbounded("mpsc::channel::<Vec<u8>>()"));
    assert!(!unbounded("mpsc::channel(4)") && !unbounded("mpsc::channel::<Order>(4)"));
    none(&offenders(|_| true, unbounded));
}

#[test]
fn only_bus_helpers_spawn_tasks_or_threads() {
    let helper =
        |file: &str| file.starts_with("crates/alys-bus/src/") || file.starts_with("crates/testkit/src/");
    let bad = ["tokio::spawn(", "thread::spawn(", "spawn_blocking(", "thread::Builder::new("];
    none(&offenders(|file| !helper(file), |code| bad.iter().any(|call| code.contains(call))));
}

/// Asks go down: each actor with those that it may ask, all of which stand above it here. rpc and the
/// supervisor may ask anyone, and nobody below them does.
const LAYERS: [(&str, &[&str]); 6] = [
    ("storage", &[]),
    ("engine", &[]),
    ("network", &["storage", "engine"]),
    ("federation", &["storage", "engine"]),
    ("bridge", &["storage", "engine", "network", "federation"]),
    ("chain", &["storage", "engine", "network", "federation", "bridge"]),
];

/// Those of LAYERS whose crates exist.
const ASKERS: [&str; 4] = ["storage", "engine", "federation", "chain"];

/// What stands between the brackets of every `Address<..>`: the protocols whose actors this code can
/// ask. A [`Teller`](alys_bus::Teller) cannot ask. An alias hides nothing, because its name is no
/// protocol's; nor does another name for `Address` itself, which is told as such.
fn asked(lines: &Lines) -> BTreeSet<String> {
    let mut asked = BTreeSet::new();
    for (_, line) in lines {
        let code = line.split("//").next().unwrap_or_default();
        for (at, _) in code.match_indices("Address<") {
            let inner = code[at + "Address<".len()..].split('>').next().unwrap_or_default();
            let name = inner.rsplit("::").next().unwrap_or_default().trim();
            // A function that asks whomever its caller can.
            if !(name == "M" && code[..at].ends_with("&")) {
                asked.insert(name.to_owned());
            }
        }
        if code.contains("Address as ") {
            asked.insert(code.trim().to_owned());
        }
    }
    asked
}

/// `ask-cycle`: two actors that wait for each other hang for ever, so no actor can ask one above it.
#[test]
fn ask_cycle_every_actor_holds_addresses_of_lower_layers_only() {
    for (at, (actor, may_ask)) in LAYERS.iter().enumerate() {
        for other in *may_ask {
            assert!(LAYERS[..at].iter().any(|(above, _)| above == other), "{actor} and {other}: a circle");
        }
    }
    let protocol = |actor: &str| format!("{}{}Message", actor[..1].to_uppercase(), &actor[1..]);
    let sources = sources();
    let mut found = BTreeMap::new();
    for (actor, may_ask) in LAYERS.iter().filter(|(actor, _)| ASKERS.contains(actor)) {
        let allowed: BTreeSet<_> = may_ask.iter().chain([actor]).map(|actor| protocol(actor)).collect();
        let folder = format!("crates/{actor}/src/");
        for (file, lines) in sources.iter().filter(|(file, _)| file.starts_with(&folder)) {
            let asked = asked(lines);
            let above: Vec<_> = asked.difference(&allowed).collect();
            assert!(
                above.is_empty(),
                "{file} holds addresses of {above:?}: {actor} may ask {may_ask:?} alone; hold a Teller instead"
            );
            found.entry(*actor).or_insert_with(BTreeSet::new).extend(asked);
        }
    }
    // The scan sees what there is.
    for asked in ["StorageMessage", "EngineMessage", "FederationMessage"] {
        assert!(found["chain"].contains(asked), "{found:?}");
    }
    assert_eq!(found.len(), ASKERS.len());
}

#[test]
fn ask_cycle_no_other_name_hides_an_address() {
    let of = |code: &str| asked(&scan::product(code)).into_iter().collect::<Vec<_>>();
    assert_eq!(of("    pub chain: Option<Address<ChainMessage>>,"), ["ChainMessage"]);
    assert_eq!(of("type Up = Address<alys_bus::protocol::ChainMessage>;"), ["ChainMessage"]);
    assert_eq!(of("use alys_bus::protocol::ChainMessage as C;\nheld: Address<C>,"), ["C"]);
    assert_eq!(of("use alys_bus::Address as A;"), ["use alys_bus::Address as A;"]);
    assert_eq!(of("struct Any<M> { held: Address<M> }"), ["M"]);
    assert!(of("fn ask<M>(address: &Address<M>) {} // Address<ChainMessage>").is_empty());
    assert!(of("up: Teller<ChainMessage>, to: Address,").is_empty());
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
    let files = every_file();
    assert!(files.keys().any(|file| file.starts_with("tests/referees/src/")), "{:?}", files.keys());
    for (file, text) in files {
        if !text.starts_with("//!") {
            wrong.push(format!("{file} does not begin with a line of documentation"));
        }
        let lines = text.lines().count();
        if lines > 600 {
            wrong.push(format!("{file} has {lines} lines, more than 600"));
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
        // Tests may want more of a crate than what is shipped has.
        let shipped = manifest.lines().skip_while(|l| l.trim() != "[dependencies]").skip(1);
        let shipped = shipped.take_while(|l| !l.starts_with('['));
        let features: Vec<_> = shipped.filter(|l| l.contains("features = [")).collect();
        assert!(features.is_empty(), "{} chooses features itself: {features:?}", package.name);
    }
}

/// `package."*"` is read before `build-override`: with it every procedural macro is optimised, which takes longer than
/// all the rest. And a crate of ours that is not named is compiled as other people's are, slowly.
#[test]
fn the_dev_profile_names_every_crate_of_ours_and_optimises_no_procedural_macro() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let settings: Vec<_> =
        manifest.lines().map(str::trim).filter(|line| line.starts_with("[profile.dev")).collect();
    assert!(settings.contains(&"[profile.dev.build-override]"), "{settings:?}");
    assert!(!settings.contains(&"[profile.dev.package.\"*\"]"), "procedural macros would be optimised");
    for package in metadata().packages {
        let named = format!("[profile.dev.package.{}]", package.name);
        assert!(settings.contains(&named.as_str()), "Cargo.toml has no {named}");
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
