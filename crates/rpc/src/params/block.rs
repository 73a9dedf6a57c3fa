//! Which block: a number, a tag, a hash, or an object with one of them (EIP-1898).

use alloy_eips::{BlockId, BlockNumberOrTag, RpcBlockHash};
use alloy_primitives::B256;
use serde_json::value::RawValue;

use super::{Param, by_serde, hex, string};

/// A block by number, tag or hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockParam(pub(crate) BlockId);

impl BlockParam {
    /// What a missing block parameter means.
    pub(crate) const LATEST: Self = Self(BlockId::Number(BlockNumberOrTag::Latest));
}

/// EIP-1898. Unknown keys are passed over, as Geth does.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    block_number: Option<Box<RawValue>>,
    block_hash: Option<Box<RawValue>>,
    require_canonical: Option<bool>,
}

impl Param for BlockParam {
    fn read(json: &str) -> Result<Self, String> {
        if json.starts_with('{') {
            return object(json).map(Self);
        }
        let text = string(json)?;
        // A number of that length would not be a block's.
        if text.len() == 66 && text.starts_with("0x") {
            return hex::fixed(json)
                .map(|hash| Self(BlockId::Hash(RpcBlockHash::from_hash(B256::new(hash), None))));
        }
        number_or_tag(&text).map(|number| Self(BlockId::Number(number)))
    }
}

fn object(json: &str) -> Result<BlockId, String> {
    let object: Object = by_serde(json)?;
    match (object.block_number, object.block_hash) {
        (Some(_), Some(_)) => {
            Err("cannot specify both blockHash and blockNumber, choose one or the other".to_owned())
        }
        (Some(number), None) => NumberOrTag::read(number.get()).map(|number| BlockId::Number(number.0)),
        (None, Some(hash)) => {
            let hash = hex::fixed(hash.get()).map_err(|why| format!("blockHash: {why}"))?;
            Ok(BlockId::Hash(RpcBlockHash::from_hash(B256::new(hash), object.require_canonical)))
        }
        (None, None) => Err("blockHash or blockNumber is needed".to_owned()),
    }
}

/// A block by number or tag alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NumberOrTag(pub(crate) BlockNumberOrTag);

impl Param for NumberOrTag {
    fn read(json: &str) -> Result<Self, String> {
        number_or_tag(&string(json)?).map(Self)
    }
}

/// A block by hash alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockHash(pub(crate) B256);

impl Param for BlockHash {
    fn read(json: &str) -> Result<Self, String> {
        B256::read(json).map(Self)
    }
}

pub(super) fn number_or_tag(text: &str) -> Result<BlockNumberOrTag, String> {
    Ok(match text.trim() {
        "latest" => BlockNumberOrTag::Latest,
        "safe" => BlockNumberOrTag::Safe,
        "finalized" => BlockNumberOrTag::Finalized,
        "earliest" => BlockNumberOrTag::Earliest,
        "pending" => BlockNumberOrTag::Pending,
        number => {
            let number = hex::quantity(number)?;
            if i64::try_from(number).is_err() {
                return Err("block number larger than int64".to_owned());
            }
            BlockNumberOrTag::Number(number)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<BlockId, String> {
        BlockParam::read(json).map(|block| block.0)
    }

    #[test]
    fn every_way_to_name_a_block_is_understood() {
        let hash = B256::repeat_byte(0xab);
        let number = Ok(BlockId::Number(BlockNumberOrTag::Number(26)));
        assert_eq!(read("\"latest\""), Ok(BlockId::latest()));
        assert_eq!(read("\"safe\""), Ok(BlockId::safe()));
        assert_eq!(read("\"finalized\""), Ok(BlockId::finalized()));
        assert_eq!(read("\"earliest\""), Ok(BlockId::earliest()));
        assert_eq!(read("\"pending\""), Ok(BlockId::pending()));
        assert_eq!(read("\"0x1a\""), number);
        assert_eq!(read("\"0x001a\""), number);
        assert_eq!(read("{\"blockNumber\":\"0x1a\"}"), number);
        assert_eq!(read("{\"blockNumber\":\"latest\"}"), Ok(BlockId::latest()));
        assert_eq!(read(&format!("\"{hash}\"")), Ok(BlockId::hash(hash)));
        assert_eq!(read(&format!("{{\"blockHash\":\"{hash}\"}}")), Ok(BlockId::hash(hash)));
        assert_eq!(
            read(&format!("{{\"blockHash\":\"{hash}\",\"requireCanonical\":true}}")),
            Ok(BlockId::hash_canonical(hash))
        );
    }

    #[test]
    fn what_names_no_block_is_refused() {
        let both = format!("{{\"blockHash\":\"{}\",\"blockNumber\":\"0x1\"}}", B256::ZERO);
        for wrong in [
            "26",
            "\"26\"",
            "\"\"",
            "\"newest\"",
            "\"0x\"",
            "\"0xffffffffffffffff\"",
            "{}",
            "[]",
            "true",
            both.as_str(),
            "{\"blockHash\":\"0x1\"}",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
