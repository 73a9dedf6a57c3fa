//! Threshold signatures: any `q` of `n` members sign as one.
//!
//! The group's key is a polynomial `f` of degree `q - 1` over the scalar field of BLS12-381. The secret of
//! the group is `f(0)` and is never in one place; **member `i` (counted from 0) holds `f(i + 1)`**, the
//! convention of `threshold_crypto`. Anyone may know the commitments `f_k * G1`: from them follow the
//! group key (`f(0) * G1`) and each member's public share (`f(i + 1) * G1`), see [`KeySet`].
//!
//! A share of a signature is `f(i + 1) * H(m)`. Lagrange interpolation at 0 turns `q` of them into
//! `f(0) * H(m)`: an ordinary BLS signature under the group key, the same whichever `q` members signed.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | the trait [`ThresholdScheme`] that hides the two libraries |
//! | `keys.rs` | the public side: [`KeySet`] and how it is checked |
//! | `secret.rs` | [`SecretShare`], which is wiped when dropped and prints nothing |
//! | `points.rs` | decoding, hashing to the curve and the pairing check, all by `blst` |
//! | `threshold.rs` | [`BlsThreshold`], the implementation |
//! | `certify.rs` | [`certify`]: combine, one check, blame only if it fails |

mod certify;
mod keys;
pub mod points;
mod secret;
mod threshold;

use alys_primitives::{B256, BlsSignature};

pub use certify::{Candidate, Candidates, Certified, certify};
pub use keys::{KeySet, KeySetError};
pub(crate) use secret::scalar_bytes;
pub use secret::{BadSecret, SecretShare};
pub use threshold::{BlsThreshold, PreparedKeys};

/// The index of a member in its epoch: `0..n`. Its evaluation point is this plus 1.
pub type MemberIndex = u8;

/// Why a set of shares was not combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CombineError {
    /// There are fewer shares than the quorum: wait for more.
    #[error("{have} shares of {need} that are needed")]
    TooFew {
        /// Shares given.
        have: usize,
        /// The quorum.
        need: usize,
    },
    /// A member stands twice in the list, or an index is no member's.
    #[error("the shares do not come from distinct members of the set")]
    NotDistinctMembers,
    /// Shares that each verify combine to a signature that does not: the key set contradicts itself.
    #[error("verified shares do not combine: the key set is not that of one polynomial")]
    Inconsistent,
}

/// The bytes of a share are no point of the curve, of the wrong subgroup, or infinity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the share is not a valid point of G2")]
pub struct MalformedShare;

/// A scheme in which any `q` of `n` members make one signature under one group key.
///
/// Everything that crosses this trait as data is a fixed array of bytes in the encoding of the
/// ciphersuite; the associated types are decoded forms, so that nothing is decoded twice.
pub trait ThresholdScheme {
    /// A key set, decoded and checked once.
    type Keys;
    /// A signature share, decoded and found in the right subgroup.
    type Share: Clone;
    /// A message, hashed to the curve.
    type Message;

    /// Decodes a key set.
    ///
    /// # Errors
    /// [`KeySetError`] where a key is no valid point.
    fn prepare(&self, set: &KeySet) -> Result<Self::Keys, KeySetError>;

    /// The members' quorum: how many shares [`Self::combine`] needs.
    fn quorum(&self, keys: &Self::Keys) -> usize;

    /// Hashes the 32 signed bytes to the curve.
    fn message(&self, root: B256) -> Self::Message;

    /// Decodes a share; does not check whose it is or what it signs.
    ///
    /// # Errors
    /// [`MalformedShare`]: whoever signed the envelope around it is to blame.
    fn decode_share(&self, share: &BlsSignature) -> Result<Self::Share, MalformedShare>;

    /// Signs `root` with one member's share.
    ///
    /// # Errors
    /// [`BadSecret`] where the secret is no scalar of the field.
    fn sign(&self, secret: &SecretShare, root: B256) -> Result<BlsSignature, BadSecret>;

    /// Combines the first `q` of `shares` without checking any of them.
    ///
    /// The result verifies under the group key if and only if those shares are right, but for
    /// errors that cancel out, which harm nobody.
    ///
    /// # Errors
    /// [`CombineError::TooFew`] or [`CombineError::NotDistinctMembers`].
    fn combine(
        &self,
        keys: &Self::Keys,
        shares: &[(MemberIndex, &Self::Share)],
    ) -> Result<BlsSignature, CombineError>;

    /// Whether `share` is the member's over `message`. False for an index that is no member's.
    fn verify_share(
        &self,
        keys: &Self::Keys,
        member: MemberIndex,
        message: &Self::Message,
        share: &Self::Share,
    ) -> bool;

    /// Whether `signature` is the group's over `message`.
    fn verify(&self, keys: &Self::Keys, message: &Self::Message, signature: &BlsSignature) -> bool;
}
