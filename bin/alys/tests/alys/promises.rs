//! `alys promises`: a restored member is locked on a slot that has not begun yet, and nothing is done by accident.

use std::{fs, path::Path};

use alys_bus::Clock;
use alys_federation::{
    DevelopmentDealer, Keystore, Password,
    keystore::{Existing, Kdf},
};
use alys_primitives::{Address, ChainSpec, spec::DevelopmentChain};
use alys_storage::promises::PromiseRecord;

use crate::process::{Node, output};

/// A member's folder of a chain of `members`.
fn folder(members: usize) -> (tempfile::TempDir, ChainSpec) {
    let folder = tempfile::tempdir().unwrap();
    let made = output(&["init", "--data-dir", folder.path().to_str().unwrap(), "--light-kdf"]);
    assert!(made.status.success());
    let dealt = DevelopmentDealer::from_seed([7; 32]).deal(members).unwrap();
    let spec = DevelopmentChain {
        name: "promises".to_owned(),
        chain_id: 7,
        genesis_ms: Clock::system().now_ms() - 1_000_000,
        slot_seconds: 2,
        gas_limit: 30_000_000,
        members: dealt.spec_members(|_| Address::repeat_byte(1)).unwrap(),
        commitment: dealt.keys.commitments().to_vec(),
        funded: Default::default(),
    }
    .spec();
    fs::write(folder.path().join("chain.json"), spec.to_json()).unwrap();
    let password = Password::from_file(&folder.path().join("password")).unwrap();
    let keys = Keystore::at(folder.path().join("keys"));
    keys.save(&dealt.members[0], &password, Kdf::development(), Existing::Replace).unwrap();
    (folder, spec)
}

/// Exit with success, and all that was said.
fn promises(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let config = folder.join("alys.toml");
    let config = ["--config", config.to_str().unwrap()];
    let done = output(&[&["promises"], arguments, &config].concat());
    let said = [done.stdout, done.stderr].concat();
    (done.status.success(), String::from_utf8(said).unwrap())
}

#[test]
fn a_reset_wants_to_be_confirmed_and_says_what_must_be_so() {
    let (folder, _) = folder(4);
    let record = folder.path().join("storage/promises");
    let (done, said) = promises(folder.path(), &["reset"]);
    assert!(!done && said.contains("no other process runs with this member's keys"), "{said}");
    assert!(said.contains("nothing was changed") && said.contains("--old-process-is-stopped"), "{said}");
    assert!(!record.exists());
    let (done, said) = promises(folder.path(), &["show"]);
    assert!(!done && said.contains("is missing"), "{said}");
}

#[test]
fn a_member_of_whom_only_the_keys_are_left_is_locked_before_its_first_start() {
    let (folder, spec) = folder(4);
    let record = folder.path().join("storage/promises");
    let present = spec.slots().slot_at(Clock::system().now_ms()).unwrap();
    let (done, said) = promises(folder.path(), &["reset", "--old-process-is-stopped"]);
    assert!(done && said.contains("votes again when"), "{said}");
    let open = PromiseRecord::open_file(&record).unwrap();
    let lock = open.promises().lock;
    assert!(lock >= present + 30, "{lock} is a minute after {present}");
    // The record is held as by a running node.
    let (done, said) = promises(folder.path(), &["reset", "--old-process-is-stopped"]);
    assert!(!done && said.contains("in use by another process; stop it"), "{said}");
    drop(open);

    let later = (lock + 10).to_string();
    let (done, said) = promises(folder.path(), &["reset", "--slot", &later, "--old-process-is-stopped"]);
    assert!(done && said.contains(&format!("slot {lock:>10}")), "the old record is shown: {said}");
    assert!(folder.path().join("storage/promises.damaged").exists());
    let (done, said) = promises(folder.path(), &["show"]);
    assert!(done && said.contains(&later) && said.contains("last Notarize  -"), "{said}");
}

#[test]
fn a_slot_that_has_passed_and_a_chain_that_needs_this_member_are_refused() {
    let (of_four, _) = folder(4);
    let (done, said) = promises(of_four.path(), &["reset", "--slot", "3", "--old-process-is-stopped"]);
    assert!(!done && said.contains("slot 3 has passed"), "{said}");
    let (of_one, _) = folder(1);
    let (done, said) = promises(of_one.path(), &["reset", "--old-process-is-stopped"]);
    assert!(!done && said.contains("cannot go on without this member"), "{said}");
    for folder in [of_four, of_one] {
        assert!(!folder.path().join("storage").exists());
    }
}

/// `two-rivals`: a member who lost its record must not vote as if it had never run.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_without_its_record_runs_on_a_chain_that_has_begun_only_as_one_that_never_ran() {
    let (folder, _) = folder(4);
    let config = folder.path().join("alys.toml");
    let run = ["run", "--config", config.to_str().unwrap(), "--http", "127.0.0.1:0", "--log", "warn"];
    let refused = output(&run);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("alys run --first-start"), "{said}");
    let record = folder.path().join("storage/promises");
    assert!(!record.exists());

    for arguments in [[run.as_slice(), &["--first-start"]].concat(), run.to_vec()] {
        let mut node = Node::start(&arguments).await;
        assert_eq!(node.status().await["member"], 0);
        assert!(node.stop("-TERM").await.success());
        assert!(record.exists(), "from now on it starts without being told");
    }
}
