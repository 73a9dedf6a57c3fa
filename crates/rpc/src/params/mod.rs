//! Positional parameters, taken one after another, each by a name that errors repeat.
//!
//! What is accepted is what Geth accepts, and what clients send in the wild: trailing parameters may be left out or
//! be `null`, quantities may have leading zeros. What is malformed is refused with the parameter's place and name.

mod block;
mod filter;
mod hex;
mod transaction;

use std::fmt;

use alloy_primitives::{Address, B256, Bytes};
use alloy_rpc_types_eth::{BlockOverrides, state::StateOverride};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, DeserializeSeed, IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

pub(crate) use block::{BlockHash, BlockParam, NumberOrTag};
pub(crate) use hex::{BlockCount, Index, ProofKeys, StorageSlot};
pub(crate) use transaction::CallRequest;

use crate::call_error::{CallError, code};

/// No method takes more parameters than this.
const MOST: usize = 8;

/// How one kind of parameter is read from its JSON. The error says what is wrong, without naming the parameter.
pub(crate) trait Param: Sized {
    /// Reads it.
    fn read(json: &str) -> Result<Self, String>;
}

/// The parameters of one request that were not taken yet.
#[derive(Debug)]
pub(crate) struct Positional {
    values: Vec<Box<RawValue>>,
    taken: usize,
}

impl Positional {
    /// Splits the `params` of a request: an array, nothing, or `null`. By-name parameters are not served, as in Geth.
    pub(crate) fn parse(json: Option<&str>) -> Result<Self, CallError> {
        let json = json.map_or("", str::trim);
        if json.is_empty() || json == "null" {
            return Ok(Self { values: Vec::new(), taken: 0 });
        }
        if !json.starts_with('[') {
            return Err(CallError::new(
                code::INVALID_PARAMS,
                "non-array args: parameters are given by position",
            ));
        }
        let mut source = serde_json::Deserializer::from_str(json);
        let split = Split.deserialize(&mut source).map_err(|error| {
            CallError::new(code::INVALID_PARAMS, format!("invalid params: {}", reason(&error)))
        })?;
        let Some(values) = split else {
            return Err(too_many(MOST));
        };
        Ok(Self { values, taken: 0 })
    }

    /// The next parameter, which must be there.
    pub(crate) fn required<T: Param>(&mut self, name: &str) -> Result<T, CallError> {
        let index = self.taken;
        self.optional(name)?.ok_or_else(|| CallError::missing(index, name))
    }

    /// The next parameter; `None` where it was left out or is `null`.
    pub(crate) fn optional<T: Param>(&mut self, name: &str) -> Result<Option<T>, CallError> {
        let index = self.taken;
        self.taken += 1;
        let Some(value) = self.values.get(index) else {
            return Ok(None);
        };
        let json = value.get();
        if json == "null" {
            return Ok(None);
        }
        T::read(json).map(Some).map_err(|why| CallError::invalid(index, name, why))
    }

    /// That nothing is left: a parameter that nobody reads is a mistake of the sender.
    pub(crate) fn finish(&self) -> Result<(), CallError> {
        if self.values.len() > self.taken {
            return Err(too_many(self.taken));
        }
        Ok(())
    }
}

fn too_many(want: usize) -> CallError {
    CallError::new(code::INVALID_PARAMS, format!("too many arguments, want at most {want}"))
}

/// Splits an array into at most [`MOST`] parts without reading them; `None` where there are more.
struct Split;

impl<'de> DeserializeSeed<'de> for Split {
    type Value = Option<Vec<Box<RawValue>>>;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Self::Value, D::Error> {
        source.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Split {
    type Value = Option<Vec<Box<RawValue>>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of parameters")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while values.len() < MOST {
            match array.next_element()? {
                Some(value) => values.push(value),
                None => return Ok(Some(values)),
            }
        }
        let mut more = false;
        while array.next_element::<IgnoredAny>()?.is_some() {
            more = true;
        }
        Ok((!more).then_some(values))
    }
}

/// Reads by serde.
pub(crate) fn by_serde<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| reason(&error))
}

/// What serde says, without the place: the sender's parameter is not the text that serde saw.
pub(crate) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    let text = text.get(..end).unwrap_or_default();
    // A value that serde repeats may be as long as the request.
    match text.char_indices().nth(200) {
        Some((cut, _)) => format!("{}...", text.get(..cut).unwrap_or_default()),
        None => text.to_owned(),
    }
}

impl Param for bool {
    fn read(json: &str) -> Result<Self, String> {
        by_serde(json)
    }
}

impl Param for Address {
    fn read(json: &str) -> Result<Self, String> {
        hex::fixed(json).map(Self::new)
    }
}

impl Param for B256 {
    fn read(json: &str) -> Result<Self, String> {
        hex::fixed(json).map(Self::new)
    }
}

impl Param for Bytes {
    fn read(json: &str) -> Result<Self, String> {
        hex::data(json)
    }
}

/// What is subscribed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SubscriptionName(pub(crate) String);

impl Param for SubscriptionName {
    fn read(json: &str) -> Result<Self, String> {
        // Errors repeat it, and it comes from outside.
        string(json).map(|name| Self(name.chars().take(64).collect()))
    }
}

impl Param for StateOverride {
    fn read(json: &str) -> Result<Self, String> {
        by_serde(json)
    }
}

impl Param for BlockOverrides {
    fn read(json: &str) -> Result<Self, String> {
        by_serde(json)
    }
}

/// A list of numbers with fractions, such as percentiles.
impl Param for Vec<f64> {
    fn read(json: &str) -> Result<Self, String> {
        by_serde(json)
    }
}

/// A JSON string, where there is one.
pub(crate) fn string(json: &str) -> Result<String, String> {
    String::deserialize(&mut serde_json::Deserializer::from_str(json)).map_err(|error| reason(&error))
}
