//! What gas costs: `eth_gasPrice`, `eth_maxPriorityFeePerGas`, `eth_blobBaseFee`, `eth_feeHistory`.

use alloy_eips::BlockNumberOrTag;
use alloy_primitives::U128;
use alloy_rpc_types_eth::FeeHistory;
use alys_bus::protocol::EngineMessage;
use jsonrpsee::core::RegisterMethodError;

use crate::{
    api::{Call, Register},
    call_error::{CallError, code},
    params::{BlockCount, NumberOrTag},
};

/// How many percentiles one fee history may ask for. Geth's bound.
const MOST_PERCENTILES: usize = 100;

pub(super) fn register(methods: &mut Register) -> Result<(), RegisterMethodError> {
    methods.add("eth_gasPrice", gas_price)?;
    methods.add("eth_maxPriorityFeePerGas", tip)?;
    methods.add("eth_blobBaseFee", blob_base_fee)?;
    methods.add("eth_feeHistory", fee_history)
}

async fn suggested_tip(call: &Call) -> Result<u128, CallError> {
    call.engine(|reply| EngineMessage::SuggestedTip { reply }).await
}

/// Wei per gas for transactions without EIP-1559 fields: the base fee of this or the next block, whichever is
/// higher, and the suggested tip. With the head's base fee alone the transaction would miss the block after a full one.
async fn gas_price(call: Call) -> Result<U128, CallError> {
    call.params.finish()?;
    let tip = suggested_tip(&call).await?;
    let history = ask_history(&call, 1, BlockNumberOrTag::Latest, Vec::new()).await?;
    let base = history.base_fee_per_gas.iter().copied().max().unwrap_or(0);
    Ok(U128::from(base.saturating_add(tip)))
}

/// Wei per gas.
async fn tip(call: Call) -> Result<U128, CallError> {
    call.params.finish()?;
    suggested_tip(&call).await.map(U128::from)
}

/// Wei per blob gas. There is no blob space, but clients ask.
async fn blob_base_fee(call: Call) -> Result<U128, CallError> {
    call.params.finish()?;
    let history = ask_history(&call, 1, BlockNumberOrTag::Latest, Vec::new()).await?;
    Ok(U128::from(history.base_fee_per_blob_gas.first().copied().unwrap_or(1)))
}

async fn fee_history(mut call: Call) -> Result<Box<FeeHistory>, CallError> {
    let BlockCount(count) = call.params.required("block count")?;
    let NumberOrTag(newest) = call.params.required("newest block")?;
    let percentiles: Vec<f64> = call.params.optional("reward percentiles")?.unwrap_or_default();
    call.params.finish()?;
    check(&percentiles).map_err(|why| CallError::new(code::REFUSED, why))?;
    if count == 0 {
        return Ok(Box::default());
    }
    ask_history(&call, count, newest, percentiles).await
}

async fn ask_history(
    call: &Call,
    count: u64,
    newest: BlockNumberOrTag,
    percentiles: Vec<f64>,
) -> Result<Box<FeeHistory>, CallError> {
    call.engine(|reply| EngineMessage::FeeHistory { count, newest, percentiles, reply }).await
}

/// Percentiles lie in 0..=100 and rise.
fn check(percentiles: &[f64]) -> Result<(), String> {
    let invalid = |why: String| Err(format!("invalid reward percentile: {why}"));
    if percentiles.len() > MOST_PERCENTILES {
        return invalid(format!("over the query limit {MOST_PERCENTILES}"));
    }
    if let Some(wrong) = percentiles.iter().find(|p| !(0.0..=100.0).contains(*p)) {
        return invalid(format!("{wrong:.6}"));
    }
    match percentiles.windows(2).enumerate().find(|(_, pair)| pair[0] >= pair[1]) {
        Some((at, pair)) => invalid(format!("#{at}:{:.6} >= #{}:{:.6}", pair[0], at + 1, pair[1])),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn percentiles_rise_from_0_to_100() {
        assert_eq!(check(&[]), Ok(()));
        assert_eq!(check(&[0.0, 12.5, 100.0]), Ok(()));
        for wrong in [
            vec![-0.1],
            vec![100.1],
            vec![f64::NAN],
            vec![20.0, 10.0],
            vec![10.0, 10.0],
            (0..=100).map(|i| f64::from(i) / 2.0).collect(),
        ] {
            assert!(check(&wrong).is_err(), "{wrong:?}");
        }
    }
}
