//! What cargo calls in CI in place of the compiler, for each crate of ours: it compiles, lints and documents.
//!
//! `cargo clippy` and `cargo doc` need other people's crates as signatures, `cargo test` as code: on a clean machine all
//! are compiled twice. By cargo's `RUSTC_WORKSPACE_WRAPPER` the one build that the tests need is enough: clippy's
//! driver, a rustc that lints on its way, compiles the crate, then rustdoc documents it with the dependencies that were
//! compiled for it (`docs/adr/0009`). `cargo xtask clippy` and `cargo xtask docs` say the same, each alone.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use eyre::{OptionExt as _, WrapErr as _, eyre};

/// Under this name this program is the compiler.
const NAME: &str = "xtask-compiler";

/// For clippy and rustdoc.
const DENIED: [&str; 2] = ["-D", "warnings"];

/// Nobody debugs what CI has made, and a panic says its line without this.
const WITHOUT_LINES: [&str; 2] = ["-C", "debuginfo=0"];

/// For what is not worth the time that optimising it takes.
const UNOPTIMISED: [&str; 2] = ["-C", "opt-level=0"];

/// Its tests, far more than another optimised crate's, spend their time in the crate itself, in other people's crates and
/// in Geth, which all stay optimised.
const UNOPTIMISED_TESTS_OF: &str = "alys-engine";

/// Whether cargo called this program for a compiler.
pub(crate) fn is_called() -> bool {
    env::args_os().next().is_some_and(|program| Path::new(&program).file_stem() == Some(OsStr::new(NAME)))
}

/// A copy of this program under the compiler's name. Not this one itself: the build that calls it puts another there.
pub(crate) fn install() -> eyre::Result<String> {
    let own = env::current_exe()?;
    let compiler = own.with_file_name(format!("{NAME}{}", env::consts::EXE_SUFFIX));
    fs::copy(&own, &compiler).wrap_err_with(|| format!("cannot write {}", compiler.display()))?;
    compiler.into_os_string().into_string().map_err(|path| eyre!("{} is not UTF-8", path.display()))
}

/// Does what cargo asks of a compiler. The first argument is the path of rustc, the others are rustc's own.
pub(crate) fn run() -> eyre::Result<ExitCode> {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let (rustc, of_rustc) =
        arguments.split_first().ok_or_eyre("cargo calls this with the compiler's path")?;
    // Benches are only linted here.
    let unoptimised = match of(of_rustc) {
        Target::Bench => true,
        Target::Test => env::var_os("CARGO_PKG_NAME").is_some_and(|name| name == UNOPTIMISED_TESTS_OF),
        Target::Crate => false,
    };
    let own = if unoptimised { &UNOPTIMISED[..] } else { &[] };
    let own = [&WITHOUT_LINES[..], own].concat();
    let compile = [arguments.clone(), own.into_iter().map(OsString::from).collect()].concat();
    let succeeds = |name: &str, arguments: &[OsString]| {
        let tool = Path::new(rustc).with_file_name(format!("{name}{}", env::consts::EXE_SUFFIX));
        let status = Command::new(&tool).args(arguments).args(DENIED).status();
        status.map(|status| status.success()).wrap_err_with(|| {
            format!("cannot start {}: it comes with `rustup component add clippy`", tool.display())
        })
    };
    // What is wrong they have said themselves.
    let done = succeeds("clippy-driver", &compile)?
        && documentation(of_rustc).map_or(Ok(true), |arguments| succeeds("rustdoc", &arguments))?;
    Ok(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What rustc compiles.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    Test,
    Bench,
    /// A library or a program, or it is only asked something.
    Crate,
}

/// What rustc compiles by these arguments. Our benches have no harness: cargo's `test` is all that tells them.
fn of(rustc: &[OsString]) -> Target {
    if rustc.iter().any(|argument| argument == "--test") {
        Target::Test
    } else if rustc.windows(2).any(|two| two[0] == "--cfg" && two[1] == "test") {
        Target::Bench
    } else {
        Target::Crate
    }
}

/// Rustdoc's arguments for the crate that rustc compiles by these; none for what `cargo doc` leaves out: tests, benches,
/// build scripts, and what is no crate but a question.
fn documentation(rustc: &[OsString]) -> Option<Vec<OsString>> {
    if of(rustc) != Target::Crate {
        return None;
    }
    let mut arguments = Vec::new();
    let (mut output, mut kind, mut previous) = (None, None, OsStr::new(""));
    for argument in rustc {
        let text = argument.to_str().unwrap_or_default();
        let is_of = |name: &str| previous == name;
        if text == "build_script_build" {
            return None;
        } else if is_of("--out-dir") {
            output = Some(PathBuf::from(argument));
        } else if text != "--out-dir" && !text.starts_with("--emit=") {
            kind = if is_of("--crate-type") { Some(text) } else { kind };
            arguments.push(argument.clone());
        }
        previous = argument;
    }
    // A library and a program may have the same name.
    let output = output?.parent()?.join("documented").join(kind?);
    arguments.extend([OsString::from("--out-dir"), output.into()]);
    Some(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documented(rustc: &str) -> Option<String> {
        let arguments: Vec<OsString> = rustc.split(' ').map(OsString::from).collect();
        Some(documentation(&arguments)?.join(OsStr::new(" ")).into_string().unwrap())
    }

    #[test]
    fn a_library_and_a_program_are_documented_by_what_they_are_compiled_with() {
        let library = "--crate-name alys_bus --edition=2024 src/lib.rs --json=artifacts --crate-type lib \
                       --emit=dep-info,metadata,link -C opt-level=2 --warn=missing_docs --out-dir t/debug/deps \
                       -L dependency=t/debug/deps --extern serde=t/debug/deps/libserde.rmeta";
        let expected = "--crate-name alys_bus --edition=2024 src/lib.rs --json=artifacts --crate-type lib \
                        -C opt-level=2 --warn=missing_docs \
                        -L dependency=t/debug/deps --extern serde=t/debug/deps/libserde.rmeta \
                        --out-dir t/debug/documented/lib";
        assert_eq!(documented(library).as_deref(), Some(expected));
        let program = "--crate-name alys src/main.rs --crate-type bin --emit=link --out-dir t/debug/deps";
        let expected = "--crate-name alys src/main.rs --crate-type bin --out-dir t/debug/documented/bin";
        assert_eq!(documented(program).as_deref(), Some(expected));
    }

    #[test]
    fn tests_and_benches_are_told_from_what_they_try() {
        let target = |rustc: &str| of(&rustc.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(target("--crate-name alys_engine src/lib.rs --emit=link --test"), Target::Test);
        assert_eq!(target("--crate-name engine benches/engine/main.rs --cfg test"), Target::Bench);
        assert_eq!(target("--crate-name alys_engine src/lib.rs --check-cfg cfg(test)"), Target::Crate);
        assert_eq!(target("-vV"), Target::Crate);
    }

    #[test]
    fn tests_benches_build_scripts_and_questions_are_not_documented() {
        for arguments in [
            "--crate-name alys src/main.rs --emit=link --test --out-dir t/debug/deps",
            "--crate-name bus benches/bus.rs --crate-type bin --cfg test --out-dir t/debug/deps",
            "--crate-name build_script_build build.rs --crate-type bin --out-dir t/debug/build/x",
            "- --crate-name ___ --print=file-names --crate-type bin --crate-type rlib",
            "-vV",
        ] {
            assert_eq!(documented(arguments), None, "{arguments}");
        }
    }
}
