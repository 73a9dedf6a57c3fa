//! `alys init`: the files of a development chain.
//!
//! | file | what |
//! |---|---|
//! | `chain.json` | the chain spec, which all nodes of the chain share |
//! | `keys/` | the member's encrypted keystores (EIP-2335) |
//! | `password` | the password, where none was given |
//! | `alys.toml` | the configuration, which is its own manual |
//!
//! They are made in a folder of their own and named at the end ([`staging`]): a kill at any moment leaves nothing that is in
//! the way of the next try.

mod staging;

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use alloy_primitives::hex;
use alys_federation::{
    Keystore, Password,
    keystore::{Existing, Kdf},
};
use alys_primitives::ChainSpec;
use eyre::WrapErr as _;
use rand::{TryRngCore as _, rngs::OsRng};
use zeroize::Zeroizing;

use self::staging::Staging;
use crate::{
    cli::InitArgs,
    new_chain::{self, NewChain},
    output,
};

/// The chain spec's file name.
pub(crate) const SPEC: &str = "chain.json";
/// The configuration's file name.
pub(crate) const CONFIG: &str = "alys.toml";
const KEYS: &str = "keys";
const PASSWORD: &str = "password";

/// The configuration that is written: the default profile, every key explained.
pub(crate) const TEMPLATE: &str = include_str!("alys.toml");

/// Runs the command.
pub(crate) fn run(args: &InitArgs) -> eyre::Result<()> {
    make(args, TEMPLATE)?;
    let folder = &args.data_dir;
    let listed: String = [
        (folder.join(SPEC), "the chain spec"),
        (folder.join(KEYS), "the member's encrypted keys"),
        (folder.join(CONFIG), "the configuration"),
    ]
    .iter()
    .map(|(file, what)| format!("  {:<40} {what}\n", file.display().to_string()))
    .collect();
    output::print(&format!(
        "A development chain of one member, dealt by a trusted dealer: for trying things out only.\n\n{listed}\n\
         Start it:  alys run --config {}",
        folder.join(CONFIG).display()
    ))
}

/// Makes the files of a new chain in `args.data_dir`; all of them are durable when it returns.
pub(crate) fn make(args: &InitArgs, template: &str) -> eyre::Result<()> {
    make_in_steps(args, template, &mut || Ok(()))
}

/// As [`make`]; `step` is called after each thing that is done to the disk, and an error from it ends the work there.
fn make_in_steps(
    args: &InitArgs,
    template: &str,
    step: &mut dyn FnMut() -> eyre::Result<()>,
) -> eyre::Result<()> {
    let kdf = if args.light_kdf { Kdf::development() } else { Kdf::standard() };
    let given = args.password_file.as_deref().map(|file| read_password(file).map(|word| (word, file)));
    let given = given.transpose()?;
    let chain = new_chain::make(&args.name, &args.chain, &args.fund)?;
    let pieces: &[&str] = if given.is_some() { &[KEYS, CONFIG] } else { &[PASSWORD, KEYS, CONFIG] };
    let staging = Staging::begin(&args.data_dir, pieces, SPEC)?;
    step()?;
    fill(staging.folder(), &chain, given, kdf, template, step)?;
    staging.finish(step)
}

/// Writes all files into `folder`.
fn fill(
    folder: &Path,
    chain: &NewChain,
    given: Option<(Password, &Path)>,
    kdf: Kdf,
    template: &str,
    step: &mut dyn FnMut() -> eyre::Result<()>,
) -> eyre::Result<()> {
    let (password, password_file) = match given {
        Some((password, file)) => {
            let found = || format!("cannot find the password file {}", file.display());
            (password, fs::canonicalize(file).wrap_err_with(found)?)
        }
        None => (new_password(&folder.join(PASSWORD))?, PathBuf::from(PASSWORD)),
    };
    step()?;
    Keystore::at(folder.join(KEYS)).save(&chain.keys, &password, kdf, Existing::Refuse)?;
    step()?;
    let config = template.replace("password_file = \"password\"", &password_line(&password_file)?);
    write(&folder.join(CONFIG), &config, 0o644)?;
    step()?;
    write(&folder.join(SPEC), &chain.spec.to_json(), 0o644)?;
    step()
}

/// Reads a chain spec and checks it.
pub(crate) fn read_spec(file: &Path) -> eyre::Result<ChainSpec> {
    let json = fs::read_to_string(file)
        .wrap_err_with(|| format!("cannot read the chain spec {}", file.display()))?;
    ChainSpec::from_json(&json).wrap_err_with(|| file.display().to_string())
}

/// The first line of a password file, which its owner alone may read.
pub(crate) fn read_password(file: &Path) -> eyre::Result<Password> {
    Password::from_file(file).wrap_err("the password file")
}

fn new_password(file: &Path) -> eyre::Result<Password> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    OsRng.try_fill_bytes(bytes.as_mut_slice()).wrap_err("the operating system gives no random bytes")?;
    let text = Zeroizing::new(format!("{}\n", *Zeroizing::new(hex::encode(bytes.as_slice()))));
    write(file, &text, 0o600)?;
    Ok(Password::new(&text))
}

fn password_line(file: &Path) -> eyre::Result<String> {
    let text = file.to_str().ok_or_else(|| eyre::eyre!("{} is not UTF-8", file.display()))?;
    Ok(format!("password_file = {}", serde_json::to_string(text)?))
}

/// Writes a new file; its contents are on the disk when it returns.
fn write(file: &Path, text: &str, mode: u32) -> eyre::Result<()> {
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(file)
        .and_then(|mut out| out.write_all(text.as_bytes()).and_then(|()| out.sync_all()))
        .wrap_err_with(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use alys_node::{NodeConfig, Sources};
    use eyre::bail;
    use figment::{
        Figment, Provider as _,
        providers::{Format as _, Serialized, Toml},
        value::{Dict, Value},
    };

    use super::*;
    use crate::cli::{ChainArgs, FundArgs};

    fn arguments(folder: &Path, password_file: Option<PathBuf>) -> InitArgs {
        InitArgs {
            data_dir: folder.to_owned(),
            name: "cut".to_owned(),
            chain: ChainArgs::default(),
            fund: FundArgs::default(),
            password_file,
            light_kdf: true,
        }
    }

    /// The folder holds a whole chain and nothing else, and its keys are those of its spec.
    fn whole(folder: &Path) {
        let spec = read_spec(&folder.join(SPEC)).unwrap();
        let config = Sources::file(Some(folder.join(CONFIG))).load(&NodeConfig::default()).unwrap();
        let keys = crate::run::keys(&config).unwrap().unwrap();
        assert_eq!(keys.identity.public_key(), spec.federation.members[0].identity);
        for entry in fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name();
            assert!([SPEC, CONFIG, KEYS, PASSWORD].contains(&name.to_str().unwrap()), "{name:?}");
        }
    }

    #[test]
    fn a_kill_at_any_step_of_init_is_in_the_way_of_nothing() {
        for given in [false, true] {
            let mut cuts = 0;
            loop {
                let parent = tempfile::tempdir().unwrap();
                let folder = parent.path().join("chain");
                let password = given.then(|| parent.path().join("word"));
                if let Some(file) = &password {
                    write(file, "word\n", 0o600).unwrap();
                }
                let arguments = arguments(&folder, password);
                let mut left = cuts;
                let mut cut = || {
                    if left == 0 {
                        bail!("cut");
                    }
                    left -= 1;
                    Ok(())
                };
                let ended = make_in_steps(&arguments, TEMPLATE, &mut cut);
                if ended.is_ok() {
                    whole(&folder);
                    break;
                }
                // Cut after the last name was given it is whole; else the next try makes it so.
                if folder.join(SPEC).exists() {
                    whole_but_for_the_staging(&folder);
                } else {
                    make(&arguments, TEMPLATE).unwrap();
                    whole(&folder);
                }
                let again = make(&arguments, TEMPLATE).unwrap_err().to_string();
                assert!(again.contains("holds a chain already"), "{again}");
                whole(&folder);
                cuts += 1;
            }
            let named = if given { 2 } else { 3 };
            assert_eq!(cuts, 7 + named, "each change of the disk was cut");
        }
    }

    /// What is left of the staging is gone at the next look.
    fn whole_but_for_the_staging(folder: &Path) {
        staging::clear(folder, SPEC).unwrap();
        whole(folder);
    }

    #[test]
    fn keys_that_no_interrupted_init_left_are_never_touched() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("chain");
        let arguments = arguments(&folder, None);
        make(&arguments, TEMPLATE).unwrap();
        let share = fs::read(folder.join("keys/share.json")).unwrap();
        // Cut when only the empty staging was left to be removed, and then the spec was lost.
        fs::create_dir(folder.join(staging::READY)).unwrap();
        fs::remove_file(folder.join(SPEC)).unwrap();
        let refused = make(&arguments, TEMPLATE).unwrap_err().to_string();
        assert!(refused.contains(folder.join(PASSWORD).to_str().unwrap()), "{refused}");
        assert!(refused.contains("move it away"), "{refused}");
        assert_eq!(fs::read(folder.join("keys/share.json")).unwrap(), share);
    }

    /// Every key of a dictionary with its value, by its path.
    fn leaves(dict: &Dict, path: &str, out: &mut Vec<(String, Value)>) {
        for (key, value) in dict {
            let path = format!("{path}{key}");
            match value {
                Value::Dict(_, inner) => leaves(inner, &format!("{path}."), out),
                other => out.push((path, other.clone())),
            }
        }
    }

    fn keys(figment: &Figment) -> Vec<(String, Value)> {
        let mut out = Vec::new();
        for dict in figment.data().unwrap().into_values() {
            leaves(&dict, "", &mut out);
        }
        out
    }

    #[test]
    fn the_configuration_that_is_written_has_every_key_with_its_default() {
        let written = keys(&Figment::from(Toml::string(TEMPLATE)));
        let defaults = keys(&Figment::from(Serialized::defaults(NodeConfig::default())));
        for (key, default) in &defaults {
            let found = written.iter().find(|(written, _)| written == key);
            let Some((_, value)) = found else { panic!("{key} is not explained in alys.toml") };
            if !key.starts_with("keys.") {
                let number = |v: &Value| v.to_u128().or(v.to_i128().and_then(|n| n.try_into().ok()));
                let text =
                    |v: &Value| number(v).map_or(format!("{:?}", v.clone().into_string()), |n| n.to_string());
                assert_eq!(text(value), text(default), "{key}");
            }
        }
        assert_eq!(written.len(), defaults.len(), "alys.toml has a key that there is not");
    }
}
