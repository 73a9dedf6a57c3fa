//! What makes a spec usable. Checked when it is read, so that no rule meets a bad number later.

use std::collections::BTreeSet;

use alloy_primitives::U256;

use super::{BRIDGE, BRIDGE_MIN_PAYOUT_SLOT, ChainSpec, bridge_account, system_contracts};
use crate::{bls::VerifyingKey, limits::MAX_MEMBERS, quorum::quorum, withdrawals::least_max_withdrawals};

/// Why a spec was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// The JSON does not have the shape of a spec: a missing, unknown or ill-typed field.
    #[error("the chain spec is not readable: {0}; every field is required, none has a default")]
    Json(String),
    /// A field's value cannot be used.
    #[error("chain spec: {field} is {value}: {must}")]
    Field {
        /// The field, by its path.
        field: &'static str,
        /// What stands there.
        value: String,
        /// What it must be.
        must: String,
    },
}

const HIGHEST_BODY: u64 = 16 << 20;
const HIGHEST_GAS_LIMIT: u64 = 1 << 40;
const LEAST_GAS_LIMIT: u64 = 5_000;
const MERGED_MINING_IDS: u32 = 0x2000;

fn require(
    ok: bool,
    field: &'static str,
    value: impl ToString,
    must: impl Into<String>,
) -> Result<(), SpecError> {
    if ok { Ok(()) } else { Err(SpecError::Field { field, value: value.to_string(), must: must.into() }) }
}

/// The target of a compact form, if that is the form Bitcoin writes it in.
///
/// Decoding alone drops what does not fit into 256 bits, so that one of the hardest targets could stand
/// where the easiest is meant; and numbers that decode alike would make two specs of one rule.
fn target(bits: u32) -> Option<bitcoin::Target> {
    let compact = bitcoin::CompactTarget::from_consensus(bits);
    let target = bitcoin::Target::from_compact(compact);
    (target > bitcoin::Target::ZERO && target.to_compact_lossy() == compact).then_some(target)
}

impl ChainSpec {
    /// Checks every field.
    ///
    /// # Errors
    /// The first field that cannot be used, and what it must be.
    pub fn check(&self) -> Result<(), SpecError> {
        let name_ok = (1..=64).contains(&self.name.len())
            && self.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        require(name_ok, "name", &self.name, "must be 1 to 64 letters, digits or hyphens")?;
        require(self.chain_id > 0, "chain_id", self.chain_id, "must not be 0")?;
        self.check_blocks()?;
        self.check_mining()?;
        self.check_peg()?;
        self.check_federation()?;
        self.check_execution()
    }

    fn check_blocks(&self) -> Result<(), SpecError> {
        let b = &self.blocks;
        let whole = |ms: u64| ms.is_multiple_of(1000);
        require(whole(b.genesis_ms), "blocks.genesis_ms", b.genesis_ms, "must be a whole second")?;
        require(b.genesis_ms < 1 << 48, "blocks.genesis_ms", b.genesis_ms, "lies too far ahead")?;
        let slot_ok = (1_000..=600_000).contains(&b.slot_ms) && whole(b.slot_ms);
        require(slot_ok, "blocks.slot_ms", b.slot_ms, "must be 1 to 600 whole seconds")?;
        let gas_ok = (LEAST_GAS_LIMIT..=HIGHEST_GAS_LIMIT).contains(&b.gas_limit);
        let must = format!("must lie between {LEAST_GAS_LIMIT} and {HIGHEST_GAS_LIMIT}");
        require(gas_ok, "blocks.gas_limit", b.gas_limit, must)?;
        let body_ok = (65_536..=HIGHEST_BODY).contains(&b.max_body);
        require(body_ok, "blocks.max_body", b.max_body, "must lie between 64 KiB and 16 MiB")?;
        let least = least_max_withdrawals(self.members()) as u64;
        let must = format!("must be {least} to 65536: all fee entries, and 16 more");
        let withdrawals_ok = (least..=65_536).contains(&b.max_withdrawals);
        require(withdrawals_ok, "blocks.max_withdrawals", b.max_withdrawals, must)?;
        let sink_is_plain =
            self.execution_genesis.accounts.get(&b.fee_sink).is_none_or(|account| account.code.is_empty());
        require(sink_is_plain, "blocks.fee_sink", b.fee_sink, "must not have code at genesis")
    }

    fn check_mining(&self) -> Result<(), SpecError> {
        let m = &self.mining;
        let id = m.merged_mining_chain_id;
        let must = "must be 1 to 0x1fff, out of the range of version-rolling parents";
        require((1..MERGED_MINING_IDS).contains(&id), "mining.merged_mining_chain_id", id, must)?;
        require(m.max_unanchored > 0, "mining.max_unanchored", m.max_unanchored, "must not be 0")?;
        require(m.anchor_spacing > 0, "mining.anchor_spacing", m.anchor_spacing, "must not be 0")?;
        require(m.half_life > 0, "mining.half_life", m.half_life, "must not be 0")?;
        let ends = [("mining.hardest_bits", m.hardest_bits), ("mining.easiest_bits", m.easiest_bits)];
        for (field, bits) in ends {
            let must = "must be a target above 0 and below 2^256, in the compact form that Bitcoin writes";
            require(target(bits).is_some(), field, format!("{bits:#x}"), must)?;
        }
        let ordered = target(m.hardest_bits) <= target(m.easiest_bits);
        let must = "must be no easier than mining.easiest_bits";
        require(ordered, "mining.hardest_bits", format!("{:#x}", m.hardest_bits), must)
    }

    fn check_peg(&self) -> Result<(), SpecError> {
        let p = &self.peg;
        let header: Result<bitcoin::block::Header, _> =
            bitcoin::consensus::deserialize(p.checkpoint.header.as_slice());
        require(header.is_ok(), "peg.checkpoint.header", p.checkpoint.header, "must be a Bitcoin header")?;
        let counts = [
            ("peg.deposit_confirmations", p.deposit_confirmations),
            ("peg.payout_confirmations", p.payout_confirmations),
            ("peg.payout_deadline", p.payout_deadline),
            ("peg.bump_after", p.bump_after),
        ];
        for (field, value) in counts {
            require((1..=10_000).contains(&value), field, value, "must be 1 to 10,000")?;
        }
        require(p.relay_lag <= 100, "peg.relay_lag", p.relay_lag, "must be at most 100")?;
        require(p.min_deposit >= 546, "peg.min_deposit", p.min_deposit, "must be at least 546 sat")?;
        require(p.min_payout >= 1_000, "peg.min_payout", p.min_payout, "must be at least 1,000 sat")?;
        let rates = p.min_fee_rate >= 1_000 && p.min_fee_rate <= p.max_fee_rate;
        let must = "must be at least 1,000 sat/kvB and at most peg.max_fee_rate";
        require(rates, "peg.min_fee_rate", p.min_fee_rate, must)?;
        let most = p.max_consolidation <= 100;
        require(most, "peg.max_consolidation", p.max_consolidation, "must be at most 100")
    }

    fn check_federation(&self) -> Result<(), SpecError> {
        let members = &self.federation.members;
        let Some(q) = quorum(members.len()) else {
            let must = format!("must be 1 to {MAX_MEMBERS}");
            return require(false, "federation.members", format!("{} members", members.len()), must);
        };
        let points = &self.federation.commitment;
        let found = format!("{} points", points.len());
        let must = format!("must be {q} points, the quorum of {} members", members.len());
        require(points.len() == q, "federation.commitment", found, must)?;
        for point in points {
            let ok = VerifyingKey::decode(point).is_ok();
            require(ok, "federation.commitment", point, "must be a point of the G1 subgroup")?;
        }
        let (mut identities, mut spends) = (BTreeSet::new(), BTreeSet::new());
        for member in members {
            let fresh = identities.insert(member.identity);
            require(fresh, "federation.members.identity", member.identity, "must not stand twice")?;
            let key =
                ed25519_dalek::VerifyingKey::from_bytes(&member.identity.0).is_ok_and(|key| !key.is_weak());
            require(key, "federation.members.identity", member.identity, "must be an Ed25519 key")?;
            let fresh = spends.insert(member.bitcoin);
            require(fresh, "federation.members.bitcoin", member.bitcoin, "must not stand twice")?;
            let key = bitcoin::XOnlyPublicKey::from_slice(member.bitcoin.as_slice()).is_ok();
            require(key, "federation.members.bitcoin", member.bitcoin, "must be an x-only key")?;
        }
        Ok(())
    }

    fn check_execution(&self) -> Result<(), SpecError> {
        let e = &self.execution_genesis;
        require(e.base_fee >= 7, "execution_genesis.base_fee", e.base_fee, "must be at least 7 wei")?;
        let extra = e.extra_data.len();
        require(extra <= 32, "execution_genesis.extra_data", extra, "must be at most 32 bytes")?;
        for (address, contract) in system_contracts() {
            let there = e.accounts.get(&address).is_some_and(|account| account.code == contract.code);
            let must = "must stand there with its code: without this system contract no block is valid";
            require(there, "execution_genesis.accounts", address, must)?;
        }
        self.check_bridge()?;
        let count = e.accounts.len();
        require(count <= 65_536, "execution_genesis.accounts", count, "must be at most 65,536")?;
        for (address, account) in &e.accounts {
            let field = "execution_genesis.accounts";
            let backed = self.development || account.balance.is_zero();
            require(
                backed,
                field,
                address,
                "must have no balance: only a development chain may create coins from nothing",
            )?;
            require(account.code.len() <= 24_576, field, address, "has code above 24,576 bytes (EIP-170)")?;
            require(account.storage.len() <= 65_536, field, address, "has more than 65,536 slots")?;
        }
        let all = e.accounts.values().try_fold(U256::ZERO, |sum, a| sum.checked_add(a.balance));
        require(all.is_some(), "execution_genesis.accounts", "their sum", "must fit in 256 bits")
    }

    /// The bridge stands there as compiled, without a history, and refuses what consensus refuses.
    fn check_bridge(&self) -> Result<(), SpecError> {
        let (field, least) = ("execution_genesis.accounts", self.peg.min_payout);
        let must = "must stand there: without the bridge no coin ever gets back to Bitcoin";
        let Some(found) = self.execution_genesis.accounts.get(&BRIDGE) else {
            return require(false, field, BRIDGE, must);
        };
        let expected = bridge_account(least);
        let must =
            "must have exactly the code of contracts/artifacts/Bridge.hex: burns are read from its logs";
        require(found.code == expected.code, field, BRIDGE, must)?;
        let plain = found.nonce == expected.nonce && found.balance.is_zero();
        require(plain, field, BRIDGE, "must have the nonce 1 and no balance: what it holds was burned")?;
        let slot = found.storage.get(&BRIDGE_MIN_PAYOUT_SLOT).copied().unwrap_or_default();
        let there = U256::from_be_bytes(slot.0);
        let must = format!("must be the number in slot 0 of the bridge's storage, which is {there}");
        require(there == U256::from(least), "peg.min_payout", least, must)?;
        let must = "must have no storage but slot 0, peg.min_payout: no request was made before genesis";
        require(found.storage == expected.storage, field, BRIDGE, must)
    }
}
