//! Installs the programs that tests run against: Geth, EthereumJS, the execution specs, anvil, solc, web3.py.
//!
//! Each goes into the user's cache folder, keyed by its version (`alys_peers` finds it there), and is complete
//! or absent: it is made in a folder beside, asked for its version, and only then renamed. What is there is
//! left alone if it was made by the same recipe and still answers.

mod progress;
mod recipe;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use alys_peers::{NotFound, Peer, RETH_VARIABLE, cache_folder, find, find_named, reth};
use eyre::{OptionExt as _, WrapErr as _, ensure};

use progress::Progress;
use recipe::Recipe;

/// The file that says by which recipe a folder was made. It is written last.
const MADE_BY: &str = "made-by";

/// Installs the named peers, or all, but for those that a variable names: tests use that one anyway.
pub(crate) fn install(root: &Path, names: &[String]) -> eyre::Result<()> {
    let peers = chosen(names)?;
    let cache = cache_folder()?;
    fs::create_dir_all(&cache).wrap_err_with(|| format!("cannot make {}", cache.display()))?;
    let _alone = alone(&cache)?;
    for peer in peers {
        if let Some(program) = find_named(peer)? {
            let variable = peer.variable();
            println!(
                "{peer}: left out, {variable} names {}; unset it to install this one",
                program.display()
            );
            continue;
        }
        let recipe = Recipe::read(root, peer)?;
        one(peer, &recipe, &cache).wrap_err_with(|| format!("{peer} cannot be installed"))?;
    }
    Ok(())
}

/// Shows what is there.
pub(crate) fn list(root: &Path) -> eyre::Result<()> {
    let cache = cache_folder()?;
    for peer in Peer::ALL {
        let state = match find(peer) {
            Ok(program) if program.starts_with(&cache) => {
                let sound = Recipe::read(root, peer)?.made(&cache.join(peer.folder()));
                format!("{}{}", program.display(), if sound { "" } else { " (made by another recipe)" })
            }
            Ok(program) => format!("{} (by {})", program.display(), peer.variable()),
            Err(NotFound::NotInstalled { .. }) => format!("absent; cargo xtask peers {}", peer.name()),
            Err(wrong) => wrong.to_string(),
        };
        show(peer.name(), peer.version(), &state);
    }
    let state = match reth() {
        Ok(Some(program)) => format!("{} (by {RETH_VARIABLE})", program.display()),
        Ok(None) => format!("not installed by this command; name one in {RETH_VARIABLE} to test with it"),
        Err(wrong) => wrong.to_string(),
    };
    show("reth", "any", &state);
    Ok(())
}

fn show(name: &str, version: &str, state: &str) {
    println!("{name:<16} {version:<8} {state}");
}

fn chosen(names: &[String]) -> eyre::Result<Vec<Peer>> {
    if names.is_empty() {
        return Ok(Peer::ALL.to_vec());
    }
    let known = || Peer::ALL.map(Peer::name).join(", ");
    names
        .iter()
        .map(|name| Peer::named(name).ok_or_else(|| eyre::eyre!("no peer {name}: {}", known())))
        .collect()
}

/// Two installations at once would remove each other's folders. Held until dropped.
fn alone(cache: &Path) -> eyre::Result<fs::File> {
    let path = cache.join("lock");
    let file = fs::File::create(&path).wrap_err_with(|| format!("cannot make {}", path.display()))?;
    if file.try_lock().is_err() {
        println!("waiting for another installation");
        file.lock().wrap_err_with(|| format!("cannot lock {}", path.display()))?;
    }
    Ok(file)
}

fn one(peer: Peer, recipe: &Recipe, cache: &Path) -> eyre::Result<()> {
    let folder = cache.join(peer.folder());
    if recipe.made(&folder) {
        match answers(peer, &folder) {
            Ok(()) => {
                println!("{peer}: is there");
                return Ok(());
            }
            Err(error) => println!("{peer}: what is there is broken ({error:#})"),
        }
    }
    let mut progress = Progress::start(peer.to_string());
    progress.say(&format!("installing by {}", recipe.how()))?;
    let partial = cache.join(format!("{}.partial", peer.folder().display()));
    remove(&partial)?;
    fs::create_dir_all(&partial)?;
    recipe.make(&partial, &mut progress)?;
    answers(peer, &partial)?;
    fs::write(partial.join(MADE_BY), recipe.text())?;
    remove(&folder)?;
    fs::rename(&partial, &folder).wrap_err_with(|| format!("cannot make {}", folder.display()))?;
    progress.done()?;
    Ok(())
}

/// Whether the program runs, and is of the pinned version.
fn answers(peer: Peer, folder: &Path) -> eyre::Result<()> {
    let program = folder.join(peer.program());
    let output = Command::new(&program)
        .args(recipe::version_arguments(peer))
        .output()
        .wrap_err_with(|| format!("cannot start {}", program.display()))?;
    let mut said = [output.stdout, output.stderr].concat();
    if peer == Peer::EthereumJs {
        said = fs::read(folder.join("node_modules/@ethereumjs/client/package.json"))?;
    }
    let said = String::from_utf8_lossy(&said);
    let version = peer.version();
    let is = said.split(|c: char| c.is_whitespace() || "+-,\"".contains(c)).any(|word| word == version);
    ensure!(
        output.status.success() && is,
        "{} is not {version}; it says: {}",
        program.display(),
        said.trim()
    );
    Ok(())
}

fn remove(folder: &Path) -> eyre::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).wrap_err_with(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// The folder of a peer's recipe.
fn recipe_folder(root: &Path, peer: Peer) -> eyre::Result<PathBuf> {
    let folder = root.join("xtask/peers").join(peer.name());
    folder.is_dir().then_some(folder).ok_or_eyre("its recipe is not in the tree")
}
