//! A trusted dealer, **for development networks only**.
//!
//! The dealer draws the polynomial itself, so whoever runs it, or knows its seed, holds the secret of the
//! group and every member's keys. A federation that guards coins makes its keys in a ceremony in which
//! no one ever holds them together; nothing in this file is used then.
//!
//! Everything follows from the seed, so that a development chain has the same keys at each start:
//! scalar `k` of purpose `p` is the first of `SHA-256("alys/development-dealer/1" | seed | p | k | try)`,
//! for try = 0, 1, ..., with its top bit cleared, that is a valid secret (`k` and `try` as 4 bytes,
//! big-endian). A test fixes the result.

use std::fmt;

use alys_primitives::{Address, BlsPublicKey, quorum, spec::Member};
use sha2::{Digest as _, Sha256};
use threshold_crypto::{
    Fr, FrRepr, PublicKeySet,
    ff::{PrimeField as _, PrimeFieldRepr as _},
    poly::Poly,
};
use zeroize::{Zeroize as _, Zeroizing};

use crate::{
    identity::IdentitySecret,
    member_keys::{BadBitcoinSecret, BitcoinSecret, MemberKeys},
    scheme::{KeySet, KeySetError, SecretShare, scalar_bytes},
};

/// Why keys were not dealt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DealError {
    /// The public side was refused: a member count outside 1 to 31.
    #[error(transparent)]
    Keys(#[from] KeySetError),
    /// No valid secret came of 256 hashes, or a share was 0: each less likely than 2^-200.
    #[error("the seed yields no valid keys: take another")]
    UnluckySeed,
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system: {0}")]
    Entropy(String),
}

/// Deals all keys of a federation from one seed. For development networks only: see the module.
pub struct DevelopmentDealer {
    seed: Zeroizing<[u8; 32]>,
}

/// What the dealer made.
#[derive(Debug)]
pub struct Dealt {
    /// The public keys of the set.
    pub keys: KeySet,
    /// Each member's secrets, by index.
    pub members: Vec<MemberKeys>,
}

impl Dealt {
    /// The members as a development chain's spec lists them, with a fee address for each index.
    ///
    /// # Errors
    /// [`BadBitcoinSecret`], which cannot be for keys that were dealt.
    pub fn spec_members(
        &self,
        fee_address: impl Fn(usize) -> Address,
    ) -> Result<Vec<Member>, BadBitcoinSecret> {
        let listed = |(index, keys): (usize, &MemberKeys)| {
            Ok(Member {
                name: format!("member-{index}"),
                identity: keys.identity.public_key(),
                bitcoin: keys.bitcoin.public_key()?,
                fee_address: fee_address(index),
            })
        };
        self.members.iter().enumerate().map(listed).collect()
    }
}

impl DevelopmentDealer {
    /// A dealer whose keys follow from `seed`: the same seed and member count give the same keys.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self { seed: Zeroizing::new(seed) }
    }

    /// A dealer with a seed from the operating system, forgotten when the dealer is dropped.
    ///
    /// # Errors
    /// [`DealError::Entropy`].
    pub fn from_entropy() -> Result<Self, DealError> {
        let mut seed = Zeroizing::new([0; 32]);
        crate::entropy::fill(seed.as_mut_slice()).map_err(DealError::Entropy)?;
        Ok(Self { seed })
    }

    /// Deals the keys of `members` members, of whom `ceil(2n/3)` sign as one.
    ///
    /// # Errors
    /// [`DealError`]; for a member count of 1 to 31, in practice never.
    pub fn deal(&self, members: usize) -> Result<Dealt, DealError> {
        let need = quorum(members).ok_or(KeySetError::MemberCount(members))?;
        let coefficients =
            (0..need).map(|k| self.scalar(k)).collect::<Option<Vec<_>>>().ok_or(DealError::UnluckySeed)?;
        // The polynomial wipes its coefficients when it is dropped.
        let polynomial = Poly::from(coefficients);
        let public = PublicKeySet::from(polynomial.commitment());
        let keys = KeySet::from_commitments(commitments(&public)?, members)?;
        let members = (0..members)
            .map(|i| self.member(&polynomial, i))
            .collect::<Option<Vec<_>>>()
            .ok_or(DealError::UnluckySeed)?;
        Ok(Dealt { keys, members })
    }

    fn member(&self, polynomial: &Poly, index: usize) -> Option<MemberKeys> {
        let mut scalar = polynomial.evaluate(index + 1);
        let share = scalar_bytes(&scalar);
        wipe(&mut scalar);
        let identity = self.derive("identity", index, 0);
        Some(MemberKeys {
            identity: IdentitySecret::from_seed(&identity),
            share: SecretShare::from_bytes(&*share?).ok()?,
            bitcoin: (0..256)
                .find_map(|t| BitcoinSecret::from_bytes(&self.derive("bitcoin", index, t)).ok())?,
        })
    }

    /// Coefficient `k` of the polynomial.
    fn scalar(&self, k: usize) -> Option<Fr> {
        (0..256).find_map(|attempt| {
            let bytes = self.derive("coefficient", k, attempt);
            SecretShare::from_bytes(&bytes).ok()?;
            let mut repr = FrRepr::default();
            repr.read_be(bytes.as_slice()).ok()?;
            let scalar = Fr::from_repr(repr).ok();
            repr.0.zeroize();
            scalar
        })
    }

    fn derive(&self, purpose: &str, index: usize, attempt: u32) -> Zeroizing<[u8; 32]> {
        let mut hash = Sha256::new();
        hash.update(b"alys/development-dealer/1");
        hash.update(self.seed.as_slice());
        hash.update(purpose.as_bytes());
        hash.update(u32::try_from(index).unwrap_or(u32::MAX).to_be_bytes());
        hash.update(attempt.to_be_bytes());
        let mut bytes = Zeroizing::new(<[u8; 32]>::from(hash.finalize()));
        bytes[0] &= 0x7f;
        bytes
    }
}

impl fmt::Debug for DevelopmentDealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DevelopmentDealer(..)")
    }
}

/// The commitments as bytes; `threshold_crypto` shows them through serde alone.
fn commitments(public: &PublicKeySet) -> Result<Vec<BlsPublicKey>, KeySetError> {
    let value = serde_json::to_value(public).map_err(|_| KeySetError::Unusable)?;
    let points = value.pointer("/commit/coeff").cloned().ok_or(KeySetError::Unusable)?;
    let points: Vec<Vec<u8>> = serde_json::from_value(points).map_err(|_| KeySetError::Unusable)?;
    points
        .iter()
        .map(|point| BlsPublicKey::try_from(point.as_slice()).map_err(|_| KeySetError::Unusable))
        .collect()
}

/// The best that can be done for a `Copy` scalar of a library that does not wipe it.
fn wipe(scalar: &mut Fr) {
    // `SecretKey::from_mut` overwrites its argument with volatile writes.
    drop(threshold_crypto::SecretKey::from_mut(scalar));
}
