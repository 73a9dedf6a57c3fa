//! Which logs: the filter object of `eth_getLogs`.

use alloy_primitives::{Address, B256};
use alloy_rpc_types_eth::{Filter, FilterBlockOption, FilterSet, Topic, ValueOrArray};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::{NumberOrTag, Param, by_serde};

/// Addresses, or alternatives for one topic, that a filter may name. Geth's bound.
const MOST_ALTERNATIVES: usize = 1000;

/// A log has at most four topics.
const TOPICS: usize = 4;

/// The object as sent. Unknown keys are passed over, as Geth does.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    block_hash: Option<B256>,
    from_block: Option<Box<RawValue>>,
    to_block: Option<Box<RawValue>>,
    address: Option<Box<RawValue>>,
    topics: Option<Vec<Option<Box<RawValue>>>>,
}

impl Param for Filter {
    fn read(json: &str) -> Result<Self, String> {
        if !json.starts_with('{') {
            return Err("expected a filter object".to_owned());
        }
        let object: Object = by_serde(json)?;
        let from_block = edge("fromBlock", object.from_block.as_deref())?;
        let to_block = edge("toBlock", object.to_block.as_deref())?;
        if from_block.is_some_and(|block| block.is_pending())
            || to_block.is_some_and(|block| block.is_pending())
        {
            return Err("pending logs are not supported".to_owned());
        }
        let block_option = match object.block_hash {
            Some(_) if from_block.is_some() || to_block.is_some() => {
                return Err(
                    "cannot specify both blockHash and fromBlock/toBlock, choose one or the other".to_owned()
                );
            }
            Some(hash) => FilterBlockOption::AtBlockHash(hash),
            None => FilterBlockOption::Range { from_block, to_block },
        };
        if let (Some(from), Some(to)) =
            (from_block.and_then(|block| block.as_number()), to_block.and_then(|block| block.as_number()))
            && from > to
        {
            return Err("invalid block range: fromBlock is after toBlock".to_owned());
        }
        let address = match object.address {
            Some(json) => alternatives::<Address>("address", &json)?,
            None => FilterSet::default(),
        };
        let given = object.topics.unwrap_or_default();
        if given.len() > TOPICS {
            return Err(format!("topics: more than {TOPICS} of them"));
        }
        let mut topics: [Topic; TOPICS] = Default::default();
        for (place, json) in topics.iter_mut().zip(given) {
            if let Some(json) = json {
                *place = alternatives::<B256>("topics", &json)?;
            }
        }
        Ok(Self { block_option, address, topics })
    }
}

/// The first or last block of a range.
fn edge(field: &str, json: Option<&RawValue>) -> Result<Option<alloy_eips::BlockNumberOrTag>, String> {
    json.map(|json| NumberOrTag::read(json.get()).map(|block| block.0))
        .transpose()
        .map_err(|why| format!("{field}: {why}"))
}

/// One value or a list of alternatives. An empty list, or a `null` in it, matches everything.
fn alternatives<T>(field: &str, json: &RawValue) -> Result<FilterSet<T>, String>
where
    T: DeserializeOwned + Eq + std::hash::Hash,
{
    let values: ValueOrArray<Option<T>> = by_serde(json.get()).map_err(|_| format!("{field}: malformed"))?;
    if let ValueOrArray::Array(list) = &values
        && list.len() > MOST_ALTERNATIVES
    {
        return Err(format!("{field}: more than {MOST_ALTERNATIVES}"));
    }
    Ok(values.into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may end by a panic")]
mod tests {
    use alloy_eips::BlockNumberOrTag;

    use super::*;

    #[test]
    fn a_filter_takes_one_address_or_many_and_alternatives_of_topics() {
        let address = Address::repeat_byte(1);
        let topic = B256::repeat_byte(2);
        let one = Filter::read(&format!("{{\"address\":\"{address}\"}}")).unwrap();
        let many = Filter::read(&format!("{{\"address\":[\"{address}\"],\"limit\":1}}")).unwrap();
        assert_eq!(one, many);
        assert!(one.address.matches(&address));
        let filter = Filter::read(&format!(
            "{{\"fromBlock\":\"0x1\",\"toBlock\":\"latest\",\"topics\":[null,[\"{topic}\"]]}}"
        ))
        .unwrap();
        assert!(filter.topics[0].is_empty());
        assert!(filter.topics[1].matches(&topic));
        assert_eq!(
            filter.block_option,
            FilterBlockOption::Range {
                from_block: Some(BlockNumberOrTag::Number(1)),
                to_block: Some(BlockNumberOrTag::Latest),
            }
        );
    }

    #[test]
    fn a_filter_that_contradicts_itself_is_refused() {
        let hash = B256::ZERO;
        for wrong in [
            format!("{{\"blockHash\":\"{hash}\",\"fromBlock\":\"0x1\"}}"),
            "{\"fromBlock\":\"0x2\",\"toBlock\":\"0x1\"}".to_owned(),
            "{\"topics\":[null,null,null,null,null]}".to_owned(),
            "{\"address\":\"0x12\"}".to_owned(),
            "{\"topics\":\"0x12\"}".to_owned(),
            "{\"fromBlock\":\"pending\"}".to_owned(),
            "{\"fromBlock\":7}".to_owned(),
            "[]".to_owned(),
        ] {
            assert!(Filter::read(&wrong).is_err(), "{wrong}");
        }
    }
}
