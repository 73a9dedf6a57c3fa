//! The node is killed, and its Geth with it, sooner or later.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
};

use super::rig::{PATIENCE, block, config, given, gone, grow, kill, spec, while_running};
use crate::managed::{ManagedGeth, process::Process};

const FOLDER: &str = "ALYS_TEST_GETH_FOLDER";

/// A node that owns a Geth, as a process of its own: see the test below.
#[tokio::test]
#[ignore = "a process that another test starts"]
async fn owner() {
    let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
    let geth = ManagedGeth::new(config(alys_peers::geth().unwrap(), &folder, &spec(1000))).unwrap();
    while_running(&geth, async {
        let pid = geth.ready(PATIENCE).await.unwrap();
        println!("geth is {pid}");
        std::future::pending::<()>().await;
    })
    .await;
}

#[tokio::test]
async fn geth_ends_when_its_node_is_killed() {
    let Some((_, folder)) = given() else { return };
    let mut node = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "managed::tests::orphans::owner", "--ignored", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(node.stdout.take().unwrap()).lines().map_while(Result::ok);
    let said = lines.into_iter().find_map(|line| Some(line.split_once("geth is ")?.1.to_owned()));
    let pid = said.expect("the node says which process Geth is").parse().unwrap();
    node.kill().unwrap();
    node.wait().unwrap();
    gone(pid).await;
}

#[tokio::test]
async fn one_that_outlived_its_node_all_the_same_is_ended_at_the_next_start() {
    let Some((program, folder)) = given() else { return };
    let geth = ManagedGeth::new(config(program.clone(), folder.path(), &spec(1000))).unwrap();
    let shared = &geth.shared;
    shared.folder.init(&program, &shared.flags, &shared.config.genesis, PATIENCE).await.unwrap();
    // Neither its process nor its guard will ever hear of this node's end.
    shared.engine.release().unwrap();
    shared.public.release().unwrap();
    let mut process = Process::start(&program, &shared.flags).unwrap();
    process.ready([&shared.engine, &shared.public], PATIENCE).await.unwrap();
    let head = grow(&geth).await;
    let orphan = process.pid();
    let process = Box::leak(Box::new(process));
    drop(geth);

    let geth = ManagedGeth::new(config(program, folder.path(), &spec(1000))).unwrap();
    // Somebody has to wait for an ended child, as init does for an orphan.
    let reaped = process.ended();
    let pid = while_running(&geth, async {
        let (ready, ended) = tokio::join!(geth.ready(PATIENCE), reaped);
        assert!(ended.unwrap().success(), "it was stopped in order");
        assert_eq!(block(&geth, "latest").await["hash"], head.as_str());
        ready.unwrap()
    })
    .await;
    assert_ne!(pid, orphan);
    gone(orphan).await;
    kill(pid);
}
