//! How each peer is made, from what its registry has: nothing is fetched by its address.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use alys_peers::Peer;
use eyre::WrapErr as _;

use super::{MADE_BY, progress::Progress, recipe_folder};

/// What Geth's `go.mod` asks for. README.md and `.ci/run` ask for the same.
const GO: &str = "it needs Go 1.25 or later and a C compiler";
const NODE: &str = "it needs Node.js 20 or later, and npm";
const PYTHON: &str = "it needs Python 3.11 or later with venv and pip";

/// What a peer is made from.
#[derive(Debug)]
pub(super) enum Recipe {
    /// A Go program of that package and version.
    Go { package: String },
    /// npm packages by their lock file. Each file's name and text, and npm's command.
    Npm { files: Vec<(&'static str, String)>, command: &'static str },
    /// A Python environment by its pinned requirements, and a command `t8n` where it is that of the specs.
    Python { requirements: PathBuf, text: String, command: Option<&'static str> },
}

/// Runs the specs' command with the environment's own Python, wherever the folder was moved to.
const T8N: &str = "#!/bin/sh\nexec \"$(dirname \"$0\")/bin/python\" -c 'import sys; from ethereum_spec_tools.evm_tools import main; sys.exit(main())' \"$@\"\n";

/// What to ask a program, for it to print its version.
pub(super) fn version_arguments(peer: Peer) -> &'static [&'static str] {
    match peer {
        Peer::Web3Py => &["-c", "import web3; print(web3.__version__)"],
        // Asked for its version it says "unknown".
        Peer::EthereumJs => &["--help"],
        Peer::Geth | Peer::ExecutionSpecs | Peer::Anvil | Peer::Solc => &["--version"],
    }
}

impl Recipe {
    /// The recipe of the tree at `root`.
    pub(super) fn read(root: &Path, peer: Peer) -> eyre::Result<Self> {
        let text = |file: PathBuf| {
            fs::read_to_string(&file).wrap_err_with(|| format!("cannot read {}", file.display()))
        };
        Ok(match peer {
            Peer::Geth => {
                Self::Go { package: format!("github.com/ethereum/go-ethereum/cmd/geth@v{}", peer.version()) }
            }
            Peer::EthereumJs | Peer::Anvil | Peer::Solc => {
                let folder = recipe_folder(root, peer)?;
                let files = ["package.json", "package-lock.json", ".npmrc"];
                let files = files.into_iter().map(|name| Ok((name, text(folder.join(name))?)));
                // anvil names packages for systems that not every registry has; `ci` wants them all in the lock.
                let command = if peer == Peer::Anvil { "install" } else { "ci" };
                Self::Npm { files: files.collect::<eyre::Result<_>>()?, command }
            }
            Peer::ExecutionSpecs | Peer::Web3Py => {
                let requirements = recipe_folder(root, peer)?.join("requirements.txt");
                let command = (peer == Peer::ExecutionSpecs).then_some(T8N);
                Self::Python { text: text(requirements.clone())?, requirements, command }
            }
        })
    }

    /// What is done, for the one who waits.
    pub(super) fn how(&self) -> &'static str {
        match self {
            Self::Go { .. } => "go install, which compiles for some minutes",
            Self::Npm { .. } => "npm",
            Self::Python { .. } => "a Python environment",
        }
    }

    /// All that decides what comes out: a folder made by another text is made again.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Go { package } => package.clone(),
            Self::Npm { files, .. } => files.iter().map(|(_, text)| text.as_str()).collect(),
            Self::Python { text, command, .. } => format!("{text}{}", command.unwrap_or_default()),
        }
    }

    /// Whether `folder` was completely made by this recipe.
    pub(super) fn made(&self, folder: &Path) -> bool {
        fs::read_to_string(folder.join(MADE_BY)).is_ok_and(|text| text == self.text())
    }

    /// Makes it in an empty folder, which may be moved afterwards.
    pub(super) fn make(&self, folder: &Path, progress: &mut Progress) -> eyre::Result<()> {
        match self {
            Self::Go { package } => {
                let mut go = Command::new("go");
                // With -v it names each package that it compiles.
                go.args(["install", "-v", "-trimpath", package]).env("GOBIN", folder).current_dir(folder);
                progress.run(&mut go, "go install", GO)
            }
            Self::Npm { files, command } => {
                for (name, text) in files {
                    fs::write(folder.join(name), text)?;
                }
                let mut npm = Command::new("npm");
                npm.args([*command, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
                progress.run(npm.current_dir(folder), &format!("npm {command}"), NODE)
            }
            Self::Python { requirements, command, .. } => {
                let mut venv = Command::new("python3");
                progress.run(venv.args(["-m", "venv"]).arg(folder), "python3 -m venv", PYTHON)?;
                let mut pip = Command::new(folder.join("bin/python"));
                pip.args(["-m", "pip", "install", "--progress-bar=off", "--no-deps", "--requirement"]);
                progress.run(pip.arg(requirements), "pip install", PYTHON)?;
                match command {
                    Some(script) => executable(&folder.join("t8n"), script),
                    None => Ok(()),
                }
            }
        }
    }
}

fn executable(file: &Path, text: &str) -> eyre::Result<()> {
    fs::write(file, text)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(file, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_asks_for_the_same_version_of_go() {
        let version = GO.split("Go ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for file in ["README.md", ".ci/run"] {
            let text = fs::read_to_string(root.join(file)).unwrap();
            let asked: Vec<_> = text.match_indices("Go 1.").map(|(at, _)| &text[at + 3..at + 7]).collect();
            assert!(!asked.is_empty() && asked.iter().all(|one| *one == version), "{file}: {asked:?}");
        }
    }
}
