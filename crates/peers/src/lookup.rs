//! Where a peer's program is.

use std::{
    env,
    error::Error,
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use crate::Peer;

/// Set to `required`, an absent peer fails a test instead of skipping it. `cargo xtask ci` sets it.
pub(crate) const PEERS_VARIABLE: &str = "ALYS_PEERS";

/// Why a peer cannot be used, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotFound {
    /// It was never installed, or in another version.
    NotInstalled {
        /// Which.
        peer: Peer,
        /// Where it would be.
        program: PathBuf,
    },
    /// An environment variable names no file.
    NoSuchProgram {
        /// The variable.
        variable: &'static str,
        /// What it says.
        program: PathBuf,
    },
    /// Neither `XDG_CACHE_HOME` nor `HOME` says where the cache is.
    NoCache,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInstalled { peer, program } => write!(
                f,
                "{peer} is not at {}: install it by `cargo xtask peers {}`, or name a program in {}",
                program.display(),
                peer.name(),
                peer.variable()
            ),
            Self::NoSuchProgram { variable, program } => write!(
                f,
                "{variable} names {}, where there is no file: correct it, or unset it to use what `cargo xtask peers` installs",
                program.display()
            ),
            Self::NoCache => {
                write!(f, "no folder for installed programs: set HOME, or XDG_CACHE_HOME to an absolute path")
            }
        }
    }
}

impl Error for NotFound {}

/// Geth: `ALYS_GETH`, else the installed one.
///
/// # Errors
/// [`NotFound`] where there is none.
pub fn geth() -> Result<PathBuf, NotFound> {
    find(Peer::Geth)
}

/// The EthereumJS client: `ALYS_ETHEREUMJS`, else the installed one.
///
/// # Errors
/// [`NotFound`] where there is none.
pub fn ethereumjs() -> Result<PathBuf, NotFound> {
    find(Peer::EthereumJs)
}

/// `t8n` of the execution specifications: `ALYS_T8N`, else the installed one. It takes the arguments of
/// `ethereum-spec-evm`, the subcommand `t8n` or `daemon` first.
///
/// # Errors
/// [`NotFound`] where there is none.
pub fn t8n() -> Result<PathBuf, NotFound> {
    find(Peer::ExecutionSpecs)
}

/// anvil: `ALYS_ANVIL`, else the installed one.
///
/// # Errors
/// [`NotFound`] where there is none.
pub fn anvil() -> Result<PathBuf, NotFound> {
    find(Peer::Anvil)
}

/// The Solidity compiler: `ALYS_SOLC`, else the installed `solcjs`.
///
/// # Errors
/// [`NotFound`] where there is none.
pub fn solc() -> Result<PathBuf, NotFound> {
    find(Peer::Solc)
}

/// A Python that can import web3.py: `ALYS_PYTHON`, else the installed one.
///
/// # Errors
/// [`NotFound`] where there is none.
pub fn python() -> Result<PathBuf, NotFound> {
    find(Peer::Web3Py)
}

/// Names a Reth, which Alys does not install.
pub const RETH_VARIABLE: &str = "ALYS_RETH";

/// Reth: what `ALYS_RETH` names, if it is set. [`launch::Reth`](crate::launch::Reth) starts it.
///
/// # Errors
/// [`NotFound`] where it names no file.
pub fn reth() -> Result<Option<PathBuf>, NotFound> {
    named(RETH_VARIABLE, &|name| env::var_os(name))
}

/// What a peer's variable names, if it is set: used instead of an installed one.
///
/// # Errors
/// [`NotFound`] where it names no file.
pub fn find_named(peer: Peer) -> Result<Option<PathBuf>, NotFound> {
    named(peer.variable(), &|name| env::var_os(name))
}

/// A peer's program, by its variable or in the cache.
///
/// # Errors
/// [`NotFound`] where there is none.
pub fn find(peer: Peer) -> Result<PathBuf, NotFound> {
    find_in(peer, &|name| env::var_os(name))
}

/// The folder of all installed peers: `alys/peers` in `XDG_CACHE_HOME`, else in `~/.cache`.
///
/// # Errors
/// [`NotFound::NoCache`] where the environment names neither.
pub fn cache_folder() -> Result<PathBuf, NotFound> {
    cache_folder_in(&|name| env::var_os(name))
}

/// What a test makes of a peer that may be absent: none with the reason printed, for the test to end.
///
/// # Panics
/// Where it is absent and `ALYS_PEERS=required` says that it must be there.
pub fn required<T>(found: Result<T, NotFound>) -> Option<T> {
    required_if(env::var_os(PEERS_VARIABLE).is_some_and(|value| value == "required"), found)
}

#[allow(clippy::panic, reason = "what a test asks for and must have: its absence is the test's failure")]
fn required_if<T>(must: bool, found: Result<T, NotFound>) -> Option<T> {
    match found {
        Ok(found) => Some(found),
        Err(absent) if must => panic!("{PEERS_VARIABLE}=required, and {absent}"),
        Err(absent) => {
            println!("skipped: {absent}");
            None
        }
    }
}

type Variables<'a> = &'a dyn Fn(&str) -> Option<OsString>;

fn find_in(peer: Peer, variables: Variables<'_>) -> Result<PathBuf, NotFound> {
    if let Some(program) = named(peer.variable(), variables)? {
        return Ok(program);
    }
    let program = cache_folder_in(variables)?.join(peer.folder()).join(peer.program());
    if program.is_file() { Ok(program) } else { Err(NotFound::NotInstalled { peer, program }) }
}

/// The file that a variable names. An empty variable is one that is not set.
fn named(variable: &'static str, variables: Variables<'_>) -> Result<Option<PathBuf>, NotFound> {
    let Some(program) = variables(variable).filter(|value| !value.is_empty()).map(PathBuf::from) else {
        return Ok(None);
    };
    if program.is_file() { Ok(Some(program)) } else { Err(NotFound::NoSuchProgram { variable, program }) }
}

/// The XDG base directory specification ignores relative paths.
fn cache_folder_in(variables: Variables<'_>) -> Result<PathBuf, NotFound> {
    let absolute = |name| variables(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    cache.map(|cache| cache.join(Path::new("alys/peers"))).ok_or(NotFound::NoCache)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs};

    use super::*;

    /// A folder of this test's own, removed at its end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = env::temp_dir().join(format!("alys-peers-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn with(self, file: impl AsRef<Path>) -> Self {
            let file = self.0.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
            self
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn variables<const N: usize>(set: [(&str, &Path); N]) -> impl Fn(&str) -> Option<OsString> + use<N> {
        let set: BTreeMap<String, OsString> =
            set.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        move |name| set.get(name).cloned()
    }

    #[test]
    fn the_variable_comes_before_the_cache() {
        let folder = Folder::new("order").with("own").with("alys/peers/geth-1.17.8/geth");
        let own = folder.0.join("own");
        let both = variables([("ALYS_GETH", &own), ("XDG_CACHE_HOME", &folder.0)]);
        assert_eq!(find_in(Peer::Geth, &both), Ok(own));
        let cache = variables([("ALYS_GETH", Path::new("")), ("XDG_CACHE_HOME", &folder.0)]);
        assert_eq!(find_in(Peer::Geth, &cache), Ok(folder.0.join("alys/peers/geth-1.17.8/geth")));
    }

    #[test]
    fn a_variable_that_names_nothing_is_an_error_even_if_the_cache_has_one() {
        let folder = Folder::new("nothing").with("alys/peers/geth-1.17.8/geth");
        let wrong = folder.0.join("absent");
        let set = variables([("ALYS_GETH", &wrong), ("XDG_CACHE_HOME", &folder.0)]);
        let error = NotFound::NoSuchProgram { variable: "ALYS_GETH", program: wrong };
        assert_eq!(find_in(Peer::Geth, &set), Err(error));
    }

    #[test]
    fn the_cache_is_that_of_xdg_else_in_the_home_folder() {
        let home = ("HOME", Path::new("/home/x"));
        let cache = cache_folder_in(&variables([home, ("XDG_CACHE_HOME", Path::new("/cache"))]));
        assert_eq!(cache, Ok("/cache/alys/peers".into()));
        let relative = cache_folder_in(&variables([home, ("XDG_CACHE_HOME", Path::new("cache"))]));
        assert_eq!(relative, Ok("/home/x/.cache/alys/peers".into()));
        assert_eq!(cache_folder_in(&variables([])), Err(NotFound::NoCache));
    }

    #[test]
    fn every_absent_peer_says_how_to_install_it_and_by_which_variable_to_name_it() {
        for peer in Peer::ALL {
            let absent = find_in(peer, &variables([("HOME", Path::new("/nowhere"))])).unwrap_err();
            let text = absent.to_string();
            assert!(text.contains(&format!("`cargo xtask peers {}`", peer.name())), "{text}");
            assert!(text.contains(peer.variable()) && text.contains(peer.version()), "{text}");
            assert_eq!(Peer::named(peer.name()), Some(peer));
        }
    }

    #[test]
    fn an_absent_peer_skips_a_test() {
        assert_eq!(required_if::<()>(false, Err(NotFound::NoCache)), None);
        assert_eq!(required_if(true, Ok(1)), Some(1));
    }

    #[test]
    #[should_panic(expected = "ALYS_PEERS=required")]
    fn an_absent_peer_fails_a_test_where_peers_are_required() {
        required_if::<()>(true, Err(NotFound::NoCache));
    }
}
