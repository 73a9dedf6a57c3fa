//! Folders of chains: made whole or not at all, and never made over another chain's keys.

use std::{fs, path::Path, time::Duration};

use rand::Rng as _;

use crate::process::{Node, dev_arguments, killed_while_starting, output};

fn init(folder: &Path) -> (bool, String) {
    let made = output(&["init", "--data-dir", folder.to_str().unwrap(), "--light-kdf"]);
    (made.status.success(), String::from_utf8(made.stderr).unwrap())
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_that_is_killed_at_any_moment_is_in_the_way_of_nothing() {
    for _ in 0..8 {
        let folder = tempfile::tempdir().unwrap();
        let chain = folder.path().join("chain");
        let moment = Duration::from_millis(rand::rng().random_range(0..150));
        killed_while_starting(&dev_arguments(&chain), moment).await;
        let left = if chain.exists() { names(&chain) } else { Vec::new() };
        println!("killed after {moment:?}: {left:?}");
        let mut node = Node::dev(&chain).await;
        node.reaches(1).await;
        assert!(node.stop("-TERM").await.success());
    }
}

#[test]
fn what_an_interrupted_init_named_already_is_taken_back_and_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert!(init(at).0);
    let share = fs::read(at.join("keys/share.json")).unwrap();
    // As after a kill when password and keys had their places, and the other files had not.
    let staging = at.join(".init");
    fs::create_dir(&staging).unwrap();
    fs::write(staging.join("pieces"), "password\nkeys\nalys.toml").unwrap();
    for piece in ["alys.toml", "chain.json"] {
        fs::rename(at.join(piece), staging.join(piece)).unwrap();
    }
    fs::create_dir(at.join(".init.partial")).unwrap();
    let (made, said) = init(at);
    assert!(made, "{said}");
    assert_eq!(names(at), ["alys.toml", "chain.json", "keys", "password"]);
    assert_ne!(fs::read(at.join("keys/share.json")).unwrap(), share, "the keys are those of the new chain");
    let config = at.join("alys.toml");
    let checked = output(&["run", "--check", "--config", config.to_str().unwrap()]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn keys_of_a_chain_whose_spec_is_gone_are_not_made_over() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert!(init(at).0);
    let share = fs::read(at.join("keys/share.json")).unwrap();
    fs::remove_file(at.join("chain.json")).unwrap();
    for remedy in ["password", "alys.toml", "keys"] {
        let (made, said) = init(at);
        assert!(!made && said.contains("move it away") && said.contains(at.to_str().unwrap()), "{said}");
        assert_eq!(fs::read(at.join("keys/share.json")).unwrap(), share);
        fs::rename(at.join(remedy), folder.path().join(format!("{remedy}.away"))).unwrap();
        if remedy == "keys" {
            break;
        }
    }
    let (made, said) = init(at);
    assert!(made, "{said}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let (made, said) = init(&file.join("chain"));
    assert!(!made && said.contains(file.to_str().unwrap()), "{said}");
}
