//! Folders and ports that are somebody else's.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt as _};

use super::rig::{PATIENCE, block, config, failure, given, grow, spec, until_stopped};
use crate::managed::{ManagedError, ManagedGeth};

#[tokio::test]
async fn the_folder_of_another_chain_is_refused_and_left_as_it_was() {
    let Some((program, folder)) = given() else { return };
    let mut head = String::new();
    let ours = config(program.clone(), folder.path(), &spec(1000));
    {
        let geth = ManagedGeth::new(ours.clone()).unwrap();
        until_stopped(&geth, async {
            geth.ready(PATIENCE).await.unwrap();
            head = grow(&geth).await;
            geth.stop().await;
        })
        .await;
    }
    {
        let geth = ManagedGeth::new(config(program, folder.path(), &spec(2000))).unwrap();
        let error = failure(&geth).await;
        assert!(matches!(error, ManagedError::ForeignGenesis { .. }), "{error}");
        assert!(error.to_string().contains("another folder"), "{error}");
    }
    let geth = ManagedGeth::new(ours).unwrap();
    until_stopped(&geth, async {
        geth.ready(PATIENCE).await.unwrap();
        assert_eq!(block(&geth, "latest").await["hash"], head.as_str());
        geth.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_folder_that_another_node_uses_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = config("geth".into(), folder.path(), &spec(1000));
    let first = ManagedGeth::new(config.clone()).unwrap();
    let error = ManagedGeth::new(config.clone()).unwrap_err();
    assert!(matches!(error, ManagedError::FolderInUse { .. }), "{error}");
    drop(first);
    ManagedGeth::new(config).unwrap();
}

#[tokio::test]
async fn a_port_that_another_program_uses_is_refused_by_its_number() {
    let (folder, other) = (tempfile::tempdir().unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let mut config = config("geth".into(), folder.path(), &spec(1000));
    config.public_port = other.local_addr().unwrap().port();
    let error = ManagedGeth::new(config.clone()).unwrap_err();
    assert!(error.to_string().contains(&format!("port {}", config.public_port)), "{error}");
    drop(other);
    ManagedGeth::new(config).unwrap();
}

#[tokio::test]
async fn the_secret_is_its_owners_alone_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let config = config("geth".into(), folder.path(), &spec(1000));
    let jwt = ManagedGeth::new(config.clone()).unwrap().jwt();
    assert_eq!(fs::metadata(&jwt).unwrap().permissions().mode() & 0o777, 0o600);
    let secret = fs::read(&jwt).unwrap();
    assert_eq!(fs::read(ManagedGeth::new(config).unwrap().jwt()).unwrap(), secret);
}

#[tokio::test]
async fn a_genesis_that_geth_cannot_read_is_its_error_and_no_further_start() {
    let Some((program, folder)) = given() else { return };
    let mut config = config(program, folder.path(), &spec(1000));
    config.genesis = "{".to_owned();
    let error = failure(&ManagedGeth::new(config).unwrap()).await;
    assert!(matches!(error, ManagedError::Init { .. }), "{error}");
}
