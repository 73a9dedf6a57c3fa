//! From unverified shares to one signature, with one check in the good case.
//!
//! Checking a share costs as much as checking the result, so the first `q` are combined unseen and only
//! the result is checked. If that fails each share that was not yet verified is checked, liars are
//! named and removed, and the rest combine, if they are still a quorum. What was verified stays so:
//! a liar can cost one round of checks, not one for each share that comes after.

use std::collections::BTreeMap;

use alys_primitives::BlsSignature;

use super::{CombineError, MemberIndex, ThresholdScheme};

/// One member's share on its way into a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate<S> {
    share: S,
    verified: bool,
}

impl<S> Candidate<S> {
    /// A decoded share that nobody has checked yet.
    pub const fn unverified(share: S) -> Self {
        Self { share, verified: false }
    }

    /// A share that was checked under its member's key.
    pub const fn verified(share: S) -> Self {
        Self { share, verified: true }
    }

    /// Whether the share was found to be its member's.
    pub const fn is_verified(&self) -> bool {
        self.verified
    }
}

/// At most one share for each member.
pub type Candidates<S> = BTreeMap<MemberIndex, Candidate<S>>;

/// What became of a set of candidates.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Certified {
    /// The group's signature; none where the rest is fewer than a quorum.
    pub signature: Option<BlsSignature>,
    /// Members whose shares did not verify; they are no longer among the candidates.
    pub liars: Vec<MemberIndex>,
}

/// Combines a quorum of `candidates` over `message`, and names the liars if that does not verify.
///
/// Takes exactly `q` shares, verified ones first. Liars are removed; honest candidates stay.
///
/// # Errors
/// [`CombineError::NotDistinctMembers`] where an index is no member's, and
/// [`CombineError::Inconsistent`] where the key set contradicts itself.
/// Too few shares are no error: `signature` is `None`.
pub fn certify<S: ThresholdScheme>(
    scheme: &S,
    keys: &S::Keys,
    message: &S::Message,
    candidates: &mut Candidates<S::Share>,
) -> Result<Certified, CombineError> {
    let quorum = scheme.quorum(keys);
    if candidates.len() < quorum {
        return Ok(Certified::default());
    }
    if let Some(signature) = combine_and_check(scheme, keys, message, candidates)? {
        return Ok(Certified { signature: Some(signature), liars: Vec::new() });
    }

    let mut liars = Vec::new();
    candidates.retain(|&member, candidate| {
        let honest = candidate.verified || scheme.verify_share(keys, member, message, &candidate.share);
        candidate.verified = honest;
        if !honest {
            liars.push(member);
        }
        honest
    });
    if liars.is_empty() {
        return Err(CombineError::Inconsistent);
    }
    if candidates.len() < quorum {
        return Ok(Certified { signature: None, liars });
    }
    match combine_and_check(scheme, keys, message, candidates)? {
        Some(signature) => Ok(Certified { signature: Some(signature), liars }),
        None => Err(CombineError::Inconsistent),
    }
}

fn combine_and_check<S: ThresholdScheme>(
    scheme: &S,
    keys: &S::Keys,
    message: &S::Message,
    candidates: &Candidates<S::Share>,
) -> Result<Option<BlsSignature>, CombineError> {
    let verified = candidates.iter().filter(|(_, candidate)| candidate.verified);
    let others = candidates.iter().filter(|(_, candidate)| !candidate.verified);
    let chosen: Vec<_> = verified
        .chain(others)
        .take(scheme.quorum(keys))
        .map(|(&member, candidate)| (member, &candidate.share))
        .collect();
    let signature = scheme.combine(keys, &chosen)?;
    Ok(scheme.verify(keys, message, &signature).then_some(signature))
}
