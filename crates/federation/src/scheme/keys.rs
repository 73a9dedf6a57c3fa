//! The public side of a member set: commitments, group key, the members' public shares.

use alys_primitives::{BlsPublicKey, quorum};
use serde_json::{Value, json};
use threshold_crypto::PublicKeySet;

use super::{
    MemberIndex,
    points::{PointError, PublicPoint},
};

/// Why public keys are not taken for those of one member set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// A federation has 1 to 31 members.
    #[error("{0} members; a federation has 1 to 31")]
    MemberCount(usize),
    /// The polynomial's degree is not `quorum - 1`.
    #[error("{have} commitments for a quorum of {need}: there must be one for each vote of the quorum")]
    WrongDegree {
        /// Commitments given.
        have: usize,
        /// The quorum.
        need: usize,
    },
    /// A key is no valid point.
    #[error("{what} number {index} is not a valid public key: {error}")]
    BadPoint {
        /// "commitment", "member key" or "group key".
        what: &'static str,
        /// Which one, counted from 0.
        index: usize,
        /// What is wrong with it.
        error: PointError,
    },
    /// The curve library refused what was checked before.
    #[error("the commitments could not be evaluated")]
    Unusable,
}

/// The public keys of one epoch: nothing here is secret.
///
/// The members' keys are derived from the commitments, never listed beside them, so a set cannot
/// contradict itself: every quorum of honest shares combines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySet {
    /// `f_k * G1` for the coefficients `f_0..f_(q-1)`; the first is the group key.
    commitments: Vec<BlsPublicKey>,
    /// `f(i + 1) * G1` for each member `i`.
    members: Vec<BlsPublicKey>,
}

impl KeySet {
    /// From the commitments to the polynomial, as a ceremony publishes them and the chain spec lists
    /// them (`federation.commitment`).
    ///
    /// # Errors
    /// [`KeySetError`]: member count, degree, or a commitment that is no valid point.
    pub fn from_commitments(commitments: Vec<BlsPublicKey>, members: usize) -> Result<Self, KeySetError> {
        let need = quorum(members).ok_or(KeySetError::MemberCount(members))?;
        if commitments.len() != need {
            return Err(KeySetError::WrongDegree { have: commitments.len(), need });
        }
        let public = public_key_set(&commitments)?;
        let members =
            (0..members).map(|i| BlsPublicKey::from(public.public_key_share(i).to_bytes())).collect();
        Ok(Self { commitments, members })
    }

    /// The key under which certificates verify.
    #[must_use]
    pub fn group_key(&self) -> BlsPublicKey {
        self.commitments.first().copied().unwrap_or_default()
    }

    /// The commitments to the polynomial, the group key first.
    #[must_use]
    pub fn commitments(&self) -> &[BlsPublicKey] {
        &self.commitments
    }

    /// The members' public shares, in the order of the epoch.
    #[must_use]
    pub fn members(&self) -> &[BlsPublicKey] {
        &self.members
    }

    /// How many shares make a signature.
    #[must_use]
    pub fn quorum(&self) -> usize {
        self.commitments.len()
    }

    /// Which member has this public share.
    #[must_use]
    pub fn index_of(&self, key: &BlsPublicKey) -> Option<MemberIndex> {
        let index = self.members.iter().position(|member| member == key)?;
        MemberIndex::try_from(index).ok()
    }
}

/// `threshold_crypto`'s form of the commitments. It takes them through serde alone, each an array of
/// 48 numbers.
pub(super) fn public_key_set(commitments: &[BlsPublicKey]) -> Result<PublicKeySet, KeySetError> {
    for (index, key) in commitments.iter().enumerate() {
        PublicPoint::decode(key).map_err(|error| KeySetError::BadPoint {
            what: "commitment",
            index,
            error,
        })?;
    }
    let points: Vec<Value> = commitments.iter().map(|key| json!(key.as_slice())).collect();
    serde_json::from_value(json!({ "commit": { "coeff": points } })).map_err(|_| KeySetError::Unusable)
}
