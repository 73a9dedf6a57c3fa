//! `.ci/run` on machines that lack something: it says what to install before it begins.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

/// A machine with these programs and no others, but for what the script itself is written in.
struct Machine(PathBuf);

/// All that is needed, just new enough.
const ENOUGH: [(&str, &str); 7] = [
    ("cargo", "case $1 in --version) echo 'cargo 1.95.0 (abc 2026-01-01)';; *) echo \"cargo $*\";; esac"),
    ("cc", "exit 0"),
    ("strace", "exit 0"),
    ("go", "echo 'go version go1.25.0 linux/amd64'"),
    ("node", "echo v20.0.0"),
    ("npm", "echo 9.2.0"),
    ("python3", "case $1 in --version) echo 'Python 3.11.2';; esac"),
];

impl Machine {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ci-run-{name}"));
        // What an earlier run left.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        for tool in ["bash", "sh", "env", "dirname", "printf", "sort", "head", "sed", "touch"] {
            let real = ["/usr/bin", "/bin"].map(|at| Path::new(at).join(tool));
            symlink(real.iter().find(|file| file.exists()).unwrap(), folder.join(tool)).unwrap();
        }
        let machine = Self(folder);
        ENOUGH.iter().for_each(|(program, script)| machine.has(program, script));
        machine
    }

    fn has(&self, program: &str, script: &str) {
        let file = self.0.join(program);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn lacks(&self, program: &str) {
        fs::remove_file(self.0.join(program)).unwrap();
    }

    /// A Debian that has these versions, and makes a file of each package that is installed.
    fn has_apt(&self, versions: &str) {
        self.has("apt-cache", &format!("case $2 in {versions} esac"));
        let installs = "case $1 in install) touch \"$(dirname \"$0\")/installed-$4\";; esac";
        self.has("apt-get", installs);
    }

    fn installed(&self, package: &str) -> bool {
        self.0.join(format!("installed-{package}")).exists()
    }

    /// Whether it went on, and what it said.
    fn run(&self) -> (bool, String) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/run");
        let output =
            Command::new(self.0.join("bash")).arg(script).env_clear().env("PATH", &self.0).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.success(), said.contains("cargo xtask ci"), "{said}");
        (output.status.success(), said)
    }
}

#[test]
fn ci_runs_where_everything_is_there_and_new_enough() {
    let (ran, said) = Machine::new("enough").run();
    assert!(ran && !said.contains("error"), "{said}");
}

#[test]
fn each_program_that_is_missing_or_too_old_has_one_error_that_says_what_to_install() {
    let machine = Machine::new("lacking");
    machine.lacks("npm");
    machine.has("go", "echo 'go version go1.24.7 linux/amd64'");
    machine.has("node", "echo v18.20.4");
    machine.has("python3", "case $1 in --version) echo 'Python 3.11.2';; *) exit 1;; esac");
    let (ran, said) = machine.run();
    assert!(!ran);
    assert_eq!(said.matches("error: ").count(), 4, "{said}");
    for part in [
        "npm is not there: install npm",
        "go is 1.24.7, needed is 1.25 or later: install Go 1.25",
        "node is 18.20.4, needed is 20 or later: install Node.js 20",
        "has no venv: install it (python3-venv)",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn what_debian_has_in_a_fitting_version_is_installed_and_nothing_else() {
    let machine = Machine::new("debian");
    ["strace", "go", "npm"].iter().for_each(|program| machine.lacks(program));
    let candidate = |package, version| format!("{package}) echo '  Candidate: {version}';;");
    let versions =
        [candidate("golang-go", "2:1.19~1"), candidate("npm", "9.2.0~ds1-1"), candidate("strace", "6.1-0.1")];
    machine.has_apt(&versions.concat());
    let (ran, said) = machine.run();
    assert!(!ran && machine.installed("npm") && machine.installed("strace"), "{said}");
    assert!(!machine.installed("golang-go"), "Go 1.19 is too old: {said}");
    assert!(said.contains("go is not there: install Go 1.25"), "{said}");
}
