//! A new development chain of one member: its spec and its member's keys, from a trusted dealer.

use alloy_primitives::Address;
use alys_bus::Clock;
use alys_federation::{DevelopmentDealer, MemberKeys};
use alys_primitives::{
    ChainSpec,
    spec::{DEVELOPMENT_CHAIN_ID, DevelopmentChain, Member},
};
use eyre::OptionExt as _;

use crate::{
    accounts::{self, Account},
    cli::{ChainArgs, FundArgs},
};

const SLOT_SECONDS: u64 = 2;
const GAS_LIMIT: u64 = 30_000_000;

/// A chain that does not exist yet.
pub(crate) struct NewChain {
    /// Its spec, checked.
    pub(crate) spec: ChainSpec,
    /// Its one member's keys.
    pub(crate) keys: MemberKeys,
    /// Who has coins on it.
    pub(crate) accounts: Vec<Account>,
}

/// Makes a chain that starts now.
pub(crate) fn make(name: &str, chain: &ChainArgs, fund: &FundArgs) -> eyre::Result<NewChain> {
    let dealt = DevelopmentDealer::from_entropy()?.deal(1)?;
    let keys = dealt.members.into_iter().next().ok_or_eyre("the dealer made no keys")?;
    let balance = accounts::wei(fund.balance.unwrap_or(accounts::BALANCE));
    let accounts = (0..fund.accounts.unwrap_or(accounts::COUNT))
        .map(|index| accounts::derive(fund.words(), index).map(|account| Account { balance, ..account }))
        .collect::<eyre::Result<Vec<_>>>()?;
    let member = Member {
        name: "member-0".to_owned(),
        identity: keys.identity.public_key(),
        bitcoin: keys.bitcoin.public_key()?,
        fee_address: accounts.first().map_or(Address::repeat_byte(0xfe), |account| account.address),
    };
    let spec = DevelopmentChain {
        name: name.to_owned(),
        chain_id: chain.chain_id.unwrap_or(DEVELOPMENT_CHAIN_ID),
        genesis_ms: Clock::system().now_ms(),
        slot_seconds: chain.slot_seconds.unwrap_or(SLOT_SECONDS),
        gas_limit: chain.gas_limit.unwrap_or(GAS_LIMIT),
        members: vec![member],
        commitment: dealt.keys.commitments().to_vec(),
        funded: accounts.iter().map(|account| (account.address, balance)).collect(),
    }
    .spec();
    spec.check()?;
    Ok(NewChain { spec, keys, accounts })
}
