//! init, run, status, completions: what they print, and what they say when something is wrong.

use std::{fs, path::Path};

use crate::process::{Node, alys, output};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn init(folder: &Path) {
    made(folder, &["--light-kdf"]);
}

fn made(folder: &Path, flags: &[&str]) {
    let always = ["init", "--data-dir", folder.to_str().unwrap(), "--slot-seconds", "1"];
    let made = output(&[&always, flags].concat());
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(text(&made.stdout).contains("trusted dealer"), "{}", text(&made.stdout));
}

/// What the keystores' scrypt takes: its `n`, of each.
fn costs(folder: &Path) -> Vec<serde_json::Value> {
    let files = fs::read_dir(folder.join("keys")).unwrap().map(|file| file.unwrap().path());
    let keystores = files.filter(|file| file.extension().is_some_and(|extension| extension == "json"));
    let documents = keystores.map(|file| fs::read_to_string(file).unwrap());
    documents
        .map(|text| {
            serde_json::from_str::<serde_json::Value>(&text).unwrap()["crypto"]["kdf"]["params"]["n"].take()
        })
        .collect()
}

#[test]
fn keys_are_dear_to_guess_unless_told_otherwise() {
    let (dear, light) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    made(dear.path(), &[]);
    made(light.path(), &["--light-kdf"]);
    assert_eq!((costs(dear.path()), costs(light.path())), (vec![262_144.into(); 3], vec![1_024.into(); 3]));
}

#[tokio::test(flavor = "multi_thread")]
async fn init_makes_what_run_runs_and_status_shows() {
    let folder = tempfile::tempdir().unwrap();
    init(folder.path());
    let config = folder.path().join("alys.toml");
    let config = config.to_str().unwrap();
    let checked = output(&["run", "--config", config, "--check"]);
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    assert!(text(&checked.stdout).contains("spec digest"));
    assert!(text(&checked.stdout).contains("keys: member 0\n"), "{}", text(&checked.stdout));

    let mut node = Node::start(&["run", "--config", config, "--http", "127.0.0.1:0", "--log", "warn"]).await;
    node.reaches(2).await;
    let status = output(&["status", "--url", &node.url]);
    assert!(status.status.success(), "{}", text(&status.stderr));
    for shown in
        ["chain id 212121", "stride     1\n", "execution  synced\n", "pool       0 pending, 0 queued"]
    {
        assert!(text(&status.stdout).contains(shown), "{}", text(&status.stdout));
    }
    let json: serde_json::Value =
        serde_json::from_slice(&output(&["status", "--url", &node.url, "--json"]).stdout).unwrap();
    assert!(json["head"]["height"].as_u64().unwrap() >= 2);
    assert_eq!(json["member"], 0);
    assert!(node.stop("-TERM").await.success());

    let again = output(&["init", "--data-dir", folder.path().to_str().unwrap()]);
    assert!(!again.status.success());
    assert!(text(&again.stderr).contains("holds a chain already"), "{}", text(&again.stderr));
}

#[test]
fn the_execution_genesis_is_printed_for_a_client_of_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    init(folder.path());
    let spec = folder.path().join("chain.json");
    let printed = output(&["genesis", "--spec", spec.to_str().unwrap()]);
    assert!(printed.status.success(), "{}", text(&printed.stderr));
    let genesis: serde_json::Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(
        (&genesis["config"]["chainId"], &genesis["config"]["pragueTime"]),
        (&212_121.into(), &0.into())
    );
    let bridge = genesis["alloc"]
        .as_object()
        .unwrap()
        .iter()
        .find(|(address, _)| address.eq_ignore_ascii_case("0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"));
    assert!(bridge.is_some_and(|(_, account)| account["code"].as_str().is_some_and(|code| code.len() > 2)));
    // Into a file, with what a Geth is started by.
    let file = folder.path().join("genesis.json");
    let said = output(&["genesis", "--spec", spec.to_str().unwrap(), "--out", file.to_str().unwrap()]);
    assert!(said.status.success(), "{}", text(&said.stderr));
    assert_eq!(fs::read(&file).unwrap(), printed.stdout);
    for flag in ["geth init ", "--networkid 212121", "--engine.maxreorgdepth 0", "--txpool.globalslots "] {
        assert!(text(&said.stdout).contains(flag), "{flag}: {}", text(&said.stdout));
    }
}

#[test]
fn a_client_to_be_examined_is_given_a_genesis_and_one_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (genesis, jwt) = (folder.path().join("genesis.json"), folder.path().join("jwt.hex"));
    let made = output(&["engine", "genesis", "--out", genesis.to_str().unwrap()]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    for said in ["--miner.gaslimit 30000000", "--history.transactions 0", "alys engine check --url "] {
        assert!(text(&made.stdout).contains(said), "{said}: {}", text(&made.stdout));
    }
    serde_json::from_slice::<serde_json::Value>(&fs::read(&genesis).unwrap()).unwrap();

    fs::write(&jwt, "ab".repeat(32)).unwrap();
    fs::set_permissions(&jwt, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let arguments = ["engine", "check", "--url", "http://127.0.0.1:9", "--jwt", jwt.to_str().unwrap()];
    let refused = output(&arguments);
    assert!(!refused.status.success());
    assert!(text(&refused.stderr).contains("http://127.0.0.1:9"), "{}", text(&refused.stderr));
}

#[test]
fn secrets_are_readable_by_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    init(folder.path());
    for file in ["password", "keys/identity.json", "keys/share.json", "keys/bitcoin.json"] {
        let mode = fs::metadata(folder.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let config = folder.path().join("alys.toml");
    for secret in ["keys/share.json", "password"] {
        let secret = folder.path().join(secret);
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
        let refused = output(&["run", "--config", config.to_str().unwrap(), "--http", "127.0.0.1:0"]);
        assert!(!refused.status.success());
        let said = text(&refused.stderr);
        assert!(said.contains("chmod 600") && said.contains(secret.to_str().unwrap()), "{said}");
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[test]
fn a_check_says_what_a_start_would_fail_by() {
    let folder = tempfile::tempdir().unwrap();
    init(folder.path());
    let config = folder.path().join("alys.toml");
    let check = |more: &[&str]| {
        let checked = output(&[&["run", "--check", "--config", config.to_str().unwrap()], more].concat());
        (checked.status.success(), text(&checked.stderr))
    };
    assert!(check(&[]).0);
    let (ok, said) = check(&["--log", "=nonsense="]);
    assert!(!ok && said.contains("=nonsense=") && said.contains("log.filter"), "{said}");

    let password = folder.path().join("password");
    let right = fs::read(&password).unwrap();
    fs::write(&password, "wrong").unwrap();
    let (ok, said) = check(&[]);
    let file = folder.path().join("keys/identity.json");
    assert!(!ok && said.contains("wrong password") && said.contains(file.to_str().unwrap()), "{said}");
    fs::write(&password, right).unwrap();

    let other = tempfile::tempdir().unwrap();
    init(other.path());
    fs::copy(other.path().join("chain.json"), folder.path().join("chain.json")).unwrap();
    let (ok, said) = check(&[]);
    assert!(!ok && said.contains("no member's of this chain"), "{said}");
}

/// The configuration that is written has every key, with its default.
#[test]
fn a_slip_in_the_configuration_is_named_with_the_nearest_key() {
    let folder = tempfile::tempdir().unwrap();
    init(folder.path());
    let file = folder.path().join("alys.toml");
    let sound = fs::read_to_string(&file).unwrap();
    let check = |toml: &str| {
        fs::write(&file, toml).unwrap();
        let checked = output(&["run", "--config", file.to_str().unwrap(), "--check"]);
        (checked.status.success(), text(&checked.stderr))
    };
    assert!(check(&sound).0);
    let (ok, said) = check(&sound.replace("listen = ", "lisen = "));
    assert!(!ok && said.contains("`lisen`") && said.contains("did you mean `listen`?"), "{said}");
    assert!(said.contains("alys.toml"), "{said}");
    let (ok, said) = check(&sound.replace("max_early = 2", "max_early = 2000"));
    assert!(!ok && said.contains("chain.max_early is 2000"), "{said}");
    let (ok, said) = check(&sound.replace("max_early = 2", "max_early = \"two\""));
    assert!(!ok && said.contains("chain.max_early"), "{said}");
    let (ok, said) = check(&sound.replace("password_file = \"password\"", ""));
    assert!(!ok && said.contains("keys.password_file"), "{said}");
}

#[test]
fn the_environment_overrides_the_file_and_flags_override_both() {
    let folder = tempfile::tempdir().unwrap();
    init(folder.path());
    let config = folder.path().join("alys.toml");
    let listens = |variable: Option<&str>, flag: Option<&str>| {
        let mut command = alys();
        command.args(["run", "--config", config.to_str().unwrap(), "--check"]);
        command.envs(variable.map(|value| ("ALYS_RPC__LISTEN", value)));
        command.args(flag.map(|value| ["--http", value]).into_iter().flatten());
        text(&command.output().unwrap().stdout)
            .lines()
            .find_map(|l| l.strip_prefix("rpc").map(|l| l.trim().to_owned()))
    };
    assert_eq!(listens(None, None).unwrap(), "127.0.0.1:8545");
    assert_eq!(listens(Some("127.0.0.1:1111"), None).unwrap(), "127.0.0.1:1111");
    assert_eq!(listens(Some("127.0.0.1:1111"), Some("127.0.0.1:2222")).unwrap(), "127.0.0.1:2222");
    let wrong = alys()
        .args(["run", "--config", config.to_str().unwrap(), "--check"])
        .env("ALYS_RPC__LISTN", "1")
        .output()
        .unwrap();
    assert!(!wrong.status.success() && text(&wrong.stderr).contains("did you mean `listen`"));
}

#[test]
fn a_spec_of_another_chain_than_the_stored_one_is_refused() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    init(one.path());
    init(two.path());
    fs::copy(two.path().join("chain.json"), one.path().join("chain.json")).unwrap();
    let config = one.path().join("alys.toml");
    let refused = output(&["run", "--config", config.to_str().unwrap(), "--http", "127.0.0.1:0"]);
    assert!(!refused.status.success());
    assert!(!text(&refused.stderr).is_empty());
}

#[test]
fn wrong_uses_say_what_to_do() {
    let cases: &[(&[&str], &str)] = &[
        (&["status", "--url", "http://127.0.0.1:1"], "is it running"),
        (&["run", "--config", "/nowhere/alys.toml"], "/nowhere/alys.toml"),
        (&["dev", "--mnemonic", "not words", "--http", "127.0.0.1:0"], "BIP-39"),
        (&["dev", "--log", "=nonsense=", "--http", "127.0.0.1:0"], "log filter"),
    ];
    for (arguments, expected) in cases {
        let ended = output(arguments);
        assert!(!ended.status.success(), "{arguments:?}");
        assert!(text(&ended.stderr).contains(expected), "{arguments:?}: {}", text(&ended.stderr));
    }
}

/// `alys run --check | head -1` is no failure, nor is it with any other command that prints.
#[test]
fn a_reader_that_goes_early_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (chain, config, spec) = (path("chain"), path("chain/alys.toml"), path("chain/chain.json"));
    let commands: &[&[&str]] = &[
        &["completions", "zsh"],
        &["init", "--data-dir", &chain, "--light-kdf"],
        &["run", "--check", "--config", &config],
        &["genesis", "--spec", &spec],
        &["engine", "genesis", "--out", &path("genesis.json")],
    ];
    for command in commands {
        let mut child = alys()
            .args(*command)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{command:?}: {}", text(&ended.stderr));
        assert!(ended.stderr.is_empty(), "{command:?}: {}", text(&ended.stderr));
    }
}

/// `alys dev 2>&1 | head -1` goes on making blocks when `head` has gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_to_which_nobody_listens_goes_on() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let http = address.to_string();
    let mut node = Node::unheard(&["dev", "--http", &http, "--slot-seconds", "1"], address);
    node.reaches(3).await;
    assert!(node.stop("-TERM").await.success());
}

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let printed = output(&["completions", shell]);
        assert!(printed.status.success() && text(&printed.stdout).contains("alys"), "{shell}");
    }
}
