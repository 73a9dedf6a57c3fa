//! A program outside the workspace whose node has a storage actor of the program's own making.
//!
//! It is built with the lock file and into the target folder of the workspace, so that other people's
//! crates are not compiled again where the whole workspace's tests were built. cargo cuts the lock file
//! down to what the program needs, so `--locked` would refuse it; versions stay those of the workspace.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn package() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/own-storage")
}

#[test]
fn a_node_with_a_storage_actor_of_its_own_takes_less_than_sixty_lines() {
    let text = fs::read_to_string(package().join("src/bin/small.rs")).unwrap();
    let lines = text.lines().count();
    assert!(lines < 60, "{lines} lines");
    assert!(text.lines().all(|line| line.len() <= 110), "as long as any other line here");
}

#[test]
fn a_node_runs_on_a_storage_actor_from_outside_the_workspace_that_passes_the_contract() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let target = env::current_exe().unwrap();
    let target =
        target.ancestors().find(|path| path.ends_with("deps")).and_then(|deps| deps.parent()?.parent());
    let target = target.expect("tests run from target/<profile>/deps").to_owned();
    fs::copy(workspace.join("Cargo.lock"), package().join("Cargo.lock")).unwrap();
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--offline", "--manifest-path"]).arg(package().join("Cargo.toml"));
    // What cargo told this test of its own package: build scripts look at it, and would have all compiled anew.
    let of_package = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in env::vars().filter(|(name, _)| of_package(name)) {
        build.env_remove(name);
    }
    // Its author has a compiler and rules of their own.
    build.env_remove("RUSTC_WORKSPACE_WRAPPER");
    let built = run(build.env("CARGO_TARGET_DIR", &target));
    let compiled = String::from_utf8_lossy(&built.stderr).matches("Compiling").count();
    // Twelve are ours; more mean that features or profile are no longer those of the workspace's tests.
    println!("compiled {compiled} crates");

    for (program, lines) in [
        ("own-storage", ["sentences hold", "1 transactions", "stopped: seen enough"]),
        ("small", ["given: block 1", "given: block 3", "seen enough"]),
    ] {
        let ran = run(&mut Command::new(
            target.join("debug").join(format!("{program}{}", env::consts::EXE_SUFFIX)),
        ));
        let said = String::from_utf8_lossy(&ran.stdout);
        for line in lines {
            assert!(said.contains(line), "{line} is missing in what {program} says:\n{said}");
        }
    }
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{errors}", output.status);
    output
}
