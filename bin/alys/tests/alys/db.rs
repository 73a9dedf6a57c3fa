//! `alys db`: the blocks of a stopped node measured, checked, copied and moved.

use std::{fs, path::Path};

use alys_database::{Backend, Batch, DatabaseConfig, Order, open, prefix_range};
use serde_json::{Value, json};

use crate::process::{Node, output};

/// Exit with success, what was printed, and what was complained about.
fn db(folder: &Path, arguments: &[&str]) -> (bool, String, String) {
    let done = output(&[&["db"], arguments, &["--data-dir", folder.to_str().unwrap()]].concat());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (done.status.success(), text(done.stdout), text(done.stderr))
}

/// The same in JSON, which must succeed.
fn ask(folder: &Path, arguments: &[&str]) -> Value {
    let (done, said, complaint) = db(folder, &[arguments, &["--json"]].concat());
    assert!(done, "{arguments:?}: {complaint}");
    serde_json::from_str(&said).unwrap()
}

/// A folder with a chain of some blocks, and no node.
async fn chain(height: u64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::dev(folder.path()).await;
    node.reaches(height).await;
    assert!(node.stop("-TERM").await.success());
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_move_to_the_other_backend_and_back_and_the_chain_goes_on() {
    let folder = chain(3).await;
    let at = folder.path();
    let record = at.join("storage/promises");
    for (to, other) in [("redb", "sled"), ("sled", "redb")] {
        let (before, promised) = (ask(at, &["stats"]), fs::read(&record).unwrap());
        assert_eq!(before["backend"], other);
        let moved = ask(at, &["move", "--to", to]);
        assert_eq!((&moved["backend"], &moved["configured"]), (&json!(to), &json!(true)));
        let after = ask(at, &["stats"]);
        for figure in ["head", "finalized", "blocks", "oldest"] {
            assert_eq!(before[figure], after[figure], "{figure}");
        }
        assert_eq!(after["backend"], to);
        assert_eq!(fs::read(&record).unwrap(), promised, "the promise record is left alone");
        assert_eq!(
            fs::read_dir(at.join("storage")).unwrap().count(),
            2,
            "database and promises, nothing else"
        );

        let head = before["head"].as_u64().unwrap();
        let mut node = Node::dev(at).await;
        node.reaches(head + 1).await;
        let (done, _, said) = db(at, &["stats"]);
        assert!(!done && said.contains("in use by another process; stop it"), "{said}");
        let (done, _, said) = db(at, &["move", "--to", other]);
        assert!(!done && said.contains("in use by another process; stop it"), "{said}");
        assert!(node.stop("-TERM").await.success());
    }
    let (done, _, said) = db(at, &["move", "--to", "sled"]);
    assert!(!done && said.contains("a sled database already"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_was_cut_between_its_renames_is_named_and_no_empty_chain_is_begun() {
    let folder = chain(1).await;
    let at = folder.path();
    let (database, old) = (at.join("storage/database"), at.join("storage/database.old"));
    fs::rename(&database, &old).unwrap();
    let config = at.join("alys.toml");
    let commands: &[&[&str]] = &[
        &["dev", "--data-dir", at.to_str().unwrap(), "--http", "127.0.0.1:0"],
        &["run", "--config", config.to_str().unwrap(), "--http", "127.0.0.1:0"],
        &["db", "stats", "--data-dir", at.to_str().unwrap()],
    ];
    for command in commands {
        let refused = output(command);
        let said = String::from_utf8(refused.stderr).unwrap();
        let rename = format!("Rename {} to {}", old.display(), database.display());
        assert!(!refused.status.success() && said.contains("storage/database.old"), "{command:?}: {said}");
        // `alys dev` names the folder by its whole path.
        assert!(said.contains(&rename) || said.contains("Rename /"), "{command:?}: {said}");
        assert!(!database.exists());
    }
    fs::rename(&old, &database).unwrap();
    assert!(ask(at, &["stats"])["head"].as_u64().unwrap() >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_reads_everything_and_finds_a_damaged_block() {
    let folder = chain(3).await;
    let at = folder.path();
    let (sound, said, complaint) = db(at, &["check"]);
    assert!(sound && said.contains("all sound"), "{said}{complaint}");

    // A block whose bytes are not those of its hash, with a checksum that is right.
    let database = open(&DatabaseConfig::new(Backend::Sled, at.join("storage/database"))).unwrap();
    let (low, high) = prefix_range(&[1]);
    let range = (low.as_ref().map(Vec::as_slice), high.as_ref().map(Vec::as_slice));
    let (key, mut value) = database.scan(range, Order::Ascending, 3).unwrap().pop().unwrap();
    let middle = value.len() / 2;
    value[middle] ^= 1;
    let mut batch = Batch::new();
    batch.put(key, value);
    database.commit(batch).unwrap();
    drop(database);

    let (sound, said, _) = db(at, &["check"]);
    assert!(!sound && said.contains("damage: ") && said.contains("restore a checkpoint"), "{said}");
    let (sound, said, _) = db(at, &["check", "--json"]);
    let report: Value = serde_json::from_str(&said).unwrap();
    assert!(!sound && !report["damage"].as_array().unwrap().is_empty(), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_is_a_copy_and_a_pruned_node_goes_on() {
    let folder = chain(4).await;
    let at = folder.path();
    let copy = at.join("copy");
    let made = ask(at, &["checkpoint", copy.to_str().unwrap()]);
    let before = ask(at, &["stats"]);
    assert_eq!(made["head"]["height"], before["head"]);
    assert!(copy.join("database").exists() && !copy.join("promises").exists());
    let (done, _, said) = db(at, &["checkpoint", copy.to_str().unwrap()]);
    assert!(!done && said.contains("exists"), "{said}");

    let pruned = ask(at, &["prune", "--below", "2"]);
    assert_eq!(pruned, json!({ "blocks": 2, "oldest": 2 }));
    assert_eq!(ask(at, &["stats"])["oldest"], 2);
    assert_eq!(ask(at, &["check"])["damage"], json!([]));
    let mut node = Node::dev(at).await;
    node.reaches(before["head"].as_u64().unwrap() + 1).await;
    assert!(node.stop("-TERM").await.success());
}

#[test]
fn a_node_that_has_never_run_has_no_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert!(output(&["init", "--data-dir", at.to_str().unwrap(), "--light-kdf"]).status.success());
    for command in [&["stats"][..], &["check"], &["prune", "--below", "1"], &["move", "--to", "redb"]] {
        let (done, _, said) = db(at, command);
        assert!(!done && said.contains("has the node run?"), "{command:?}: {said}");
        assert!(!at.join("storage").exists());
    }
    let (done, _, said) = db(at, &["move", "--to", "memory"]);
    assert!(!done && said.contains("there are sled and redb"), "{said}");
}
