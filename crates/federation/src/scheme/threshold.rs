//! The scheme of this chain: `threshold_crypto` for shares and interpolation, `blst` for the curve checks.
//!
//! `blst` checks a pairing about 4.5 times faster and knows Ethereum's hash to the curve;
//! `threshold_crypto` knows polynomials. They meet on points given as coordinates.

use std::{collections::BTreeSet, sync::LazyLock};

use alys_primitives::{B256, BlsSignature};
use threshold_crypto::{Fr, PublicKeySet, SecretKeyShare, SignatureShare, ff::Field as _};

use super::{
    BadSecret, CombineError, KeySet, KeySetError, MalformedShare, MemberIndex, SecretShare, ThresholdScheme,
    keys::public_key_set,
    points::{MessagePoint, PublicPoint, SignaturePoint},
};

/// Threshold BLS over BLS12-381, signatures in G2, Ethereum's ciphersuite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlsThreshold;

/// A key set whose points are decoded.
#[derive(Debug, Clone)]
pub struct PreparedKeys {
    public: PublicKeySet,
    group: PublicPoint,
    members: Vec<PublicPoint>,
}

/// The secret 1. "Signing" a point with it is `threshold_crypto`'s only way to take a point that is not
/// its own without a second, ten times dearer subgroup check.
static UNIT: LazyLock<SecretKeyShare> = LazyLock::new(|| SecretKeyShare::from_mut(&mut Fr::one()));

impl ThresholdScheme for BlsThreshold {
    type Keys = PreparedKeys;
    type Share = SignaturePoint;
    type Message = MessagePoint;

    fn prepare(&self, set: &KeySet) -> Result<PreparedKeys, KeySetError> {
        let group = PublicPoint::decode(&set.group_key()).map_err(|error| KeySetError::BadPoint {
            what: "group key",
            index: 0,
            error,
        })?;
        let decode = |(index, key)| {
            PublicPoint::decode(key).map_err(|error| KeySetError::BadPoint {
                what: "member key",
                index,
                error,
            })
        };
        let members = set.members().iter().enumerate().map(decode).collect::<Result<_, _>>()?;
        Ok(PreparedKeys { public: public_key_set(set.commitments())?, group, members })
    }

    fn quorum(&self, keys: &PreparedKeys) -> usize {
        keys.public.threshold() + 1
    }

    fn message(&self, root: B256) -> MessagePoint {
        MessagePoint::hash(root.as_slice())
    }

    fn decode_share(&self, share: &BlsSignature) -> Result<SignaturePoint, MalformedShare> {
        SignaturePoint::decode(share).map_err(|_| MalformedShare)
    }

    fn sign(&self, secret: &SecretShare, root: B256) -> Result<BlsSignature, BadSecret> {
        secret.sign(root)
    }

    fn combine(
        &self,
        keys: &PreparedKeys,
        shares: &[(MemberIndex, &SignaturePoint)],
    ) -> Result<BlsSignature, CombineError> {
        let need = self.quorum(keys);
        let chosen = shares.get(..need).ok_or(CombineError::TooFew { have: shares.len(), need })?;
        // `threshold_crypto` does not notice a member that stands twice, and takes any index.
        let distinct: BTreeSet<_> = chosen.iter().map(|(member, _)| member).collect();
        let known = |(member, _): &(MemberIndex, _)| usize::from(*member) < keys.members.len();
        if distinct.len() < need || !chosen.iter().all(known) {
            return Err(CombineError::NotDistinctMembers);
        }
        let chosen = chosen
            .iter()
            .map(|&(member, share)| Some((u64::from(member), UNIT.sign_g2(share.to_pairing()?))))
            .collect::<Option<Vec<(u64, SignatureShare)>>>()
            .ok_or(CombineError::NotDistinctMembers)?;
        let samples = chosen.iter().map(|(member, share)| (*member, share));
        let signature =
            keys.public.combine_signatures(samples).map_err(|_| CombineError::NotDistinctMembers)?;
        Ok(BlsSignature::from(signature.to_bytes()))
    }

    fn verify_share(
        &self,
        keys: &PreparedKeys,
        member: MemberIndex,
        message: &MessagePoint,
        share: &SignaturePoint,
    ) -> bool {
        keys.members.get(usize::from(member)).is_some_and(|key| key.verifies(message, share))
    }

    fn verify(&self, keys: &PreparedKeys, message: &MessagePoint, signature: &BlsSignature) -> bool {
        SignaturePoint::decode(signature).is_ok_and(|point| keys.group.verifies(message, &point))
    }
}
