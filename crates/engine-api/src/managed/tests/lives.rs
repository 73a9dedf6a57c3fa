//! Starting, dying, being started again, stopping, beginning anew.

use std::time::Duration;

use tokio::time::timeout;

use super::rig::{PATIENCE, ask, block, config, given, gone, grow, kill, spec, until_stopped, while_running};
use crate::managed::{GethState, ManagedError, ManagedGeth, Restarts};

#[tokio::test]
async fn a_fresh_geth_is_ready_within_seconds_at_the_genesis_of_the_spec() {
    let Some((program, folder)) = given() else { return };
    let spec = spec(1000);
    let geth = ManagedGeth::new(config(program, folder.path(), &spec)).unwrap();
    while_running(&geth, async {
        geth.ready(PATIENCE).await.unwrap();
        let genesis = block(&geth, "latest").await;
        assert_eq!(genesis["hash"], spec.genesis().block.header.payload_hash.to_string());
        assert_eq!(ask(&geth, "net_version", serde_json::json!([])).await, "4243");
        assert_eq!(ask(&geth, "net_peerCount", serde_json::json!([])).await, "0x0");
        grow(&geth).await;
    })
    .await;
}

#[tokio::test]
async fn one_that_is_killed_is_started_again_on_the_same_ports_with_its_chain() {
    let Some((program, folder)) = given() else { return };
    let geth = ManagedGeth::new(config(program, folder.path(), &spec(1000))).unwrap();
    while_running(&geth, async {
        let mut pid = geth.ready(PATIENCE).await.unwrap();
        let (engine, jwt) = (geth.engine_url(), std::fs::read(geth.jwt()).unwrap());
        let first = grow(&geth).await;
        for _ in 0..5 {
            kill(pid);
            let mut state = geth.watch();
            timeout(PATIENCE, state.wait_for(|s| matches!(s, GethState::Ready { pid: new } if *new != pid)))
                .await
                .expect("it is started again")
                .unwrap();
            pid = geth.pid().unwrap();
            // After a kill its head may be an older one: that is the asker's to find out and to mend.
            assert!(block(&geth, "latest").await["number"].is_string());
        }
        assert_eq!(geth.engine_url(), engine);
        assert_eq!(std::fs::read(geth.jwt()).unwrap(), jwt);
        println!("after five kills {} is {}", first, block(&geth, "latest").await["hash"]);
    })
    .await;
}

#[tokio::test]
async fn stopped_in_order_it_keeps_its_head() {
    let Some((program, folder)) = given() else { return };
    let mut head = String::new();
    for round in 0..3 {
        let geth = ManagedGeth::new(config(program.clone(), folder.path(), &spec(1000))).unwrap();
        until_stopped(&geth, async {
            let pid = geth.ready(PATIENCE).await.unwrap();
            if round > 0 {
                assert_eq!(block(&geth, "latest").await["hash"], head.as_str());
            }
            head = grow(&geth).await;
            geth.stop().await;
            assert_eq!(geth.state(), GethState::Stopped);
            gone(pid).await;
        })
        .await;
    }
}

#[tokio::test]
async fn wiped_it_begins_at_genesis_with_the_same_ports_and_secret() {
    let Some((program, folder)) = given() else { return };
    let spec = spec(1000);
    let geth = ManagedGeth::new(config(program, folder.path(), &spec)).unwrap();
    while_running(&geth, async {
        let pid = geth.ready(PATIENCE).await.unwrap();
        grow(&geth).await;
        let jwt = std::fs::read(geth.jwt()).unwrap();
        geth.wipe_and_restart().await.unwrap();
        assert_ne!(geth.pid().unwrap(), pid);
        let genesis = block(&geth, "latest").await;
        assert_eq!(genesis["hash"], spec.genesis().block.header.payload_hash.to_string());
        assert_eq!(std::fs::read(geth.jwt()).unwrap(), jwt);
        grow(&geth).await;
    })
    .await;
    assert!(matches!(geth.wipe_and_restart().await, Err(ManagedError::NotRunning)));
}

#[tokio::test]
async fn dropping_the_run_ends_geth_and_another_run_goes_on() {
    let Some((program, folder)) = given() else { return };
    let geth = ManagedGeth::new(config(program, folder.path(), &spec(1000))).unwrap();
    let pid = while_running(&geth, geth.ready(PATIENCE)).await.unwrap();
    assert_eq!(geth.state(), GethState::Stopped);
    let again = while_running(&geth, geth.ready(PATIENCE)).await.unwrap();
    assert_ne!(again, pid);
    gone(pid).await;
}

#[tokio::test]
async fn a_program_that_never_answers_is_given_up_after_some_starts_with_its_last_words() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("not-geth");
    std::fs::write(&program, "#!/bin/sh\n[ \"$1\" = init ] && exit 0\necho 'no thanks' >&2\nexit 3\n")
        .unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut config = config(program, &folder.path().join("data"), &spec(1000));
    config.restarts = Restarts { first: Duration::from_millis(1), failed_starts: 3, ..Restarts::default() };
    let geth = ManagedGeth::new(config).unwrap();
    match super::rig::failure(&geth).await {
        ManagedError::GivenUp { starts: 3, last } => {
            assert!(last.to_string().contains("no thanks"), "{last}");
        }
        other => panic!("{other}"),
    }
    assert_eq!(geth.state(), GethState::Stopped);
}
