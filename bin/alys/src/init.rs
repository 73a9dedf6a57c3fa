//! `alys init`: the files of a development chain.
//!
//! | file | what |
//! |---|---|
//! | `chain.json` | the chain spec, which all nodes of the chain share |
//! | `keys/` | the member's encrypted keystores (EIP-2335) |
//! | `password` | the password, where none was given |
//! | `alys.toml` | the configuration, which is its own manual |

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
use eyre::{WrapErr as _, ensure};
use rand::{TryRngCore as _, rngs::OsRng};
use zeroize::Zeroizing;

use crate::{cli::InitArgs, new_chain};

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
    let made = make(args, Kdf::standard())?;
    println!("A development chain of one member, dealt by a trusted dealer: for trying things out only.");
    println!();
    for (file, what) in [
        (made.join(SPEC), "the chain spec"),
        (made.join(KEYS), "the member's encrypted keys"),
        (made.join(CONFIG), "the configuration"),
    ] {
        println!("  {:<40} {what}", file.display().to_string());
    }
    println!();
    println!("Start it:  alys run --config {}", made.join(CONFIG).display());
    Ok(())
}

/// Makes the files, and answers the folder.
pub(crate) fn make(args: &InitArgs, kdf: Kdf) -> eyre::Result<PathBuf> {
    let folder = &args.data_dir;
    let spec_file = folder.join(SPEC);
    ensure!(!spec_file.exists(), "{} holds a chain already; name another folder", folder.display());
    fs::create_dir_all(folder).wrap_err_with(|| format!("cannot make {}", folder.display()))?;
    let chain = new_chain::make(&args.name, &args.chain, &args.fund)?;
    let (password, password_file) = match &args.password_file {
        Some(file) => (read_password(file)?, fs::canonicalize(file)?),
        None => (new_password(&folder.join(PASSWORD))?, PathBuf::from(PASSWORD)),
    };
    Keystore::at(folder.join(KEYS)).save(&chain.keys, &password, kdf, Existing::Refuse)?;
    let config = TEMPLATE.replace("password_file = \"password\"", &password_line(&password_file)?);
    write(&folder.join(CONFIG), &config)?;
    // The spec last: where it stands, all the others do.
    write(&spec_file, &chain.spec.to_json())?;
    Ok(folder.clone())
}

/// Reads a chain spec and checks it.
pub(crate) fn read_spec(file: &Path) -> eyre::Result<ChainSpec> {
    let json = fs::read_to_string(file)
        .wrap_err_with(|| format!("cannot read the chain spec {}", file.display()))?;
    ChainSpec::from_json(&json).wrap_err_with(|| file.display().to_string())
}

/// The first line of a password file.
pub(crate) fn read_password(file: &Path) -> eyre::Result<Password> {
    let read = || format!("cannot read the password file {}", file.display());
    let text = Zeroizing::new(fs::read_to_string(file).wrap_err_with(read)?);
    let line = text.lines().next().unwrap_or_default();
    ensure!(!line.is_empty(), "the first line of {} is empty; write the password there", file.display());
    Ok(Password::new(line))
}

fn new_password(file: &Path) -> eyre::Result<Password> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    OsRng.try_fill_bytes(bytes.as_mut_slice()).wrap_err("the operating system gives no random bytes")?;
    let text = Zeroizing::new(hex::encode(bytes.as_slice()));
    let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    writeln!(out, "{}", *text)?;
    out.sync_all()?;
    Ok(Password::new(&text))
}

fn password_line(file: &Path) -> eyre::Result<String> {
    let text = file.to_str().ok_or_else(|| eyre::eyre!("{} is not UTF-8", file.display()))?;
    Ok(format!("password_file = {}", serde_json::to_string(text)?))
}

fn write(file: &Path, text: &str) -> eyre::Result<()> {
    let mut out = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file)
        .wrap_err_with(|| format!("cannot write {}", file.display()))?;
    out.write_all(text.as_bytes())?;
    out.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use alys_node::NodeConfig;
    use figment::{
        Figment, Provider as _,
        providers::{Format as _, Serialized, Toml},
        value::{Dict, Value},
    };

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
        let written = keys(&Figment::from(Toml::string(super::TEMPLATE)));
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
