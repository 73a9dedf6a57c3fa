//! A chain of one member, with a funded wallet.

use std::{collections::BTreeMap, path::Path};

use alys_bus::Clock;
use alys_federation::{DevelopmentDealer, MemberKeys};
use alys_node::NodeConfig;
use alys_primitives::{ChainSpec, U256, spec::DevelopmentChain};
use alys_testkit::wallet;

pub(crate) const CHAIN_ID: u64 = 77;

/// A chain that starts now.
pub(crate) fn new_chain() -> (ChainSpec, MemberKeys) {
    let dealt = DevelopmentDealer::from_seed([7; 32]).deal(1).unwrap();
    let spec = DevelopmentChain {
        name: "node-tests".to_owned(),
        chain_id: CHAIN_ID,
        genesis_ms: Clock::system().now_ms(),
        slot_seconds: 1,
        gas_limit: 30_000_000,
        members: dealt.spec_members(|_| wallet::payer()).unwrap(),
        commitment: dealt.keys.commitments().to_vec(),
        funded: BTreeMap::from([(wallet::payer(), U256::from(10).pow(U256::from(18)))]),
    }
    .spec();
    (spec, dealt.members.into_iter().next().unwrap())
}

/// The keys of [`new_chain`], which are always the same.
pub(crate) fn keys() -> MemberKeys {
    new_chain().1
}

/// Everything in memory, RPC on any port.
pub(crate) fn in_memory() -> NodeConfig {
    let mut config = NodeConfig::in_memory();
    config.rpc.listen = ([127, 0, 0, 1], 0).into();
    config
}

/// Everything in a folder, RPC on any port.
pub(crate) fn in_folder(folder: &Path) -> NodeConfig {
    let mut config = NodeConfig::default();
    config.node.data_dir = folder.to_owned();
    config.rpc.listen = ([127, 0, 0, 1], 0).into();
    config
}
