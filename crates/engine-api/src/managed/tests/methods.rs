//! Methods that the node seldom needs, asked of a real Geth: what a fake says of them proves nothing.

use alloy_primitives::B256;

use super::rig::{PATIENCE, config, engine, given, grow, spec, while_running};
use crate::{EngineApi, managed::ManagedGeth};

#[tokio::test]
async fn geth_says_its_name_and_has_bodies_and_logs_of_the_blocks_that_it_was_given() {
    let Some((program, folder)) = given() else { return };
    let geth = ManagedGeth::new(config(program, folder.path(), &spec(1000))).unwrap();
    while_running(&geth, async {
        geth.ready(PATIENCE).await.unwrap();
        let hashes: [B256; 2] = [grow(&geth).await, grow(&geth).await].map(|hash| hash.parse().unwrap());
        let api = EngineApi::new(engine(&geth));
        let named = api.client_version("0", "00000000").await.unwrap();
        assert!(named.iter().any(|one| one.code == "GE"), "{named:?}");
        let bodies = api.payload_bodies_by_hash(&[hashes[1], B256::repeat_byte(1), hashes[0]]).await.unwrap();
        let there: Vec<_> = bodies.iter().map(Option::is_some).collect();
        assert_eq!(there, [true, false, true]);
        let range = api.payload_bodies_by_range(1, 2).await.unwrap();
        assert_eq!(range, [bodies[2].clone(), bodies[0].clone()]);
        let logs = api.logs_of(&hashes).await.unwrap();
        assert!(logs.len() == 2 && logs.iter().all(Vec::is_empty), "{logs:?}");
    })
    .await;
}
