//! Payloads of an execution client that executes nothing.

use alloy_rpc_types_engine::{ExecutionPayloadV1, ExecutionPayloadV2, ExecutionPayloadV3};
use alys_primitives::{
    Address, B256, Block, Burn, Bytes, ExecutionFacts, U256,
    payload::{PayloadRules, block_hash},
};

/// A payload that obeys `rules`; payloads of different `salt` differ.
pub fn make_payload(rules: &PayloadRules, salt: u64) -> ExecutionPayloadV3 {
    let mut payload = ExecutionPayloadV3 {
        payload_inner: ExecutionPayloadV2 {
            payload_inner: ExecutionPayloadV1 {
                parent_hash: rules.parent_hash,
                fee_recipient: rules.fee_recipient,
                state_root: B256::ZERO,
                receipts_root: B256::ZERO,
                logs_bloom: Default::default(),
                prev_randao: rules.prev_randao,
                block_number: rules.block_number,
                gas_limit: rules.gas_limit,
                gas_used: salt % rules.gas_limit,
                timestamp: rules.timestamp,
                extra_data: Bytes::copy_from_slice(&salt.to_be_bytes()),
                base_fee_per_gas: U256::from(7),
                block_hash: B256::ZERO,
                transactions: Vec::new(),
            },
            withdrawals: rules.withdrawals.clone(),
        },
        blob_gas_used: 0,
        excess_blob_gas: 0,
    };
    let hash = block_hash(&payload, rules.parent_beacon_block_root, &[]).unwrap();
    payload.payload_inner.payload_inner.block_hash = hash;
    payload
}

/// What "executing" a block tells: a function of its payload, so that peg states differ by chain.
pub fn block_facts(block: &Block) -> ExecutionFacts {
    let hash = block.header.payload_hash;
    let fees = U256::from(hash[0]) * U256::from(1_000_000_007u64);
    let burns = hash[1].is_multiple_of(4).then(|| Burn {
        log_index: 0,
        id: u64::from(hash[4]),
        burner: Address::repeat_byte(hash[2]),
        bitcoin_address: Bytes::from_static(b"bcrt1"),
        value: U256::from(hash[3]),
        max_fee: U256::MAX,
    });
    ExecutionFacts { burns: burns.into_iter().collect(), cancellations: Vec::new(), fees, gas: 21_000 }
}
