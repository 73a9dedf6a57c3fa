//! What a chain that is there already has, against what the flags ask for: a flag that made a chain must not contradict it
//! later, and no account is shown that has nothing.

use alys_primitives::ChainSpec;
use eyre::ensure;

use crate::{
    accounts::{self, Account, coins, wei},
    cli::{ChainArgs, FundArgs},
};

const INSTEAD: &str = "leave the flag out, or name another folder";

/// The numbers of a chain are what they were.
pub(super) fn same_chain(asked: &ChainArgs, spec: &ChainSpec) -> eyre::Result<()> {
    let asked = [
        ("--chain-id", asked.chain_id, spec.chain_id),
        ("--slot-seconds", asked.slot_seconds, spec.blocks.slot_ms / 1000),
        ("--gas-limit", asked.gas_limit, spec.blocks.gas_limit),
    ];
    for (flag, asked, has) in asked {
        ensure!(
            asked.is_none_or(|asked| asked == has),
            "{flag} cannot be changed: the chain in this folder has {has}; {INSTEAD}"
        );
    }
    Ok(())
}

/// The accounts of the words that are in the chain's genesis, with what they have there.
///
/// # Errors
/// Where the flags ask for others.
pub(super) fn of_chain(asked: &FundArgs, spec: &ChainSpec) -> eyre::Result<Vec<Account>> {
    let mut found = Vec::new();
    for index in 0..accounts::MOST {
        let account = accounts::derive(asked.words(), index)?;
        let Some(genesis) = spec.execution_genesis.accounts.get(&account.address) else { break };
        found.push(Account { balance: genesis.balance, ..account });
    }
    ensure!(
        asked.mnemonic.is_none() || !found.is_empty() || asked.accounts == Some(0),
        "--mnemonic cannot be changed: none of its accounts has coins on the chain in this folder; {INSTEAD}"
    );
    ensure!(
        asked.accounts.is_none_or(|asked| usize::from(asked) == found.len()),
        "--accounts cannot be changed: {} accounts of these words have coins on the chain in this folder; {INSTEAD}",
        found.len()
    );
    let other = asked.balance.and_then(|asked| found.iter().find(|account| account.balance != wei(asked)));
    if let Some(account) = other {
        let (address, has) = (account.address, coins(account.balance));
        eyre::bail!(
            "--balance cannot be changed: {address} has {has} on the chain in this folder; {INSTEAD}"
        );
    }
    Ok(found)
}
