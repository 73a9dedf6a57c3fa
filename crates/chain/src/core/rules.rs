//! Which blocks are valid: pure functions of chain data (protocol, section 2).
//!
//! [`Rules::expect`] says what a block on a parent, in a slot, with a body, must be. The proposer
//! builds by it and the verifier compares by it, so the two cannot differ (`merge-or-not`). No rule
//! reads finality, a clock, Bitcoin's network or the execution client (`validity-reads-finality`,
//! `clock-in-consensus`).

use std::collections::BTreeSet;

use alys_primitives::{
    B256, Block, Body, Certificate, ChainSpec, ExecutionFacts, Header, PegState, Slot, VoteKind,
    block::VERSION,
    payload::{PayloadError, PayloadRules},
    slots::proposer,
    state::StateError,
    vote::VoteData,
    withdrawals::expected_withdrawals,
};
use ssz::Encode as _;

use super::{
    evidence::{NoProof, Offence, offence},
    verifier::{BadSignature, Verifier},
};

/// For how many slots after an offence a block may carry the proof of it. Bounded, so that a node
/// needs no more of the past than this to judge whether a proof stands on chain already.
pub const EVIDENCE_WINDOW: u64 = 1024;

/// Why a block is invalid, for ever.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Invalid {
    /// A field of the header is not what parent, slot and body make it.
    #[error("header.{field} is {found}, must be {expected}")]
    Header {
        /// The field.
        field: &'static str,
        /// What stands there.
        found: String,
        /// What must stand there.
        expected: String,
    },
    /// The slot is not above the parent's.
    #[error("slot {slot} is not above the parent's slot {parent}")]
    Slot {
        /// The block's.
        slot: Slot,
        /// The parent's.
        parent: Slot,
    },
    /// The slot or height is beyond what 64 bits of time or number hold.
    #[error("slot {0} has no time")]
    NoTime(Slot),
    /// The body's encoding is longer than the spec allows.
    #[error("the body has {found} bytes, may have {most}")]
    BodyTooLarge {
        /// Its length.
        found: usize,
        /// The spec's `max_body`.
        most: u64,
    },
    /// The certificates in the body are not those of the parent.
    #[error("body.justification: {0}")]
    Justification(&'static str),
    /// A certificate in the body does not verify.
    #[error("body.justification: {0}")]
    Certificate(#[from] BadSignature),
    /// Too many blocks since the last anchor, and no work.
    #[error(
        "height {height} is more than {most} above the anchored {anchored}, and the block carries no work"
    )]
    Unanchored {
        /// The block's height.
        height: u64,
        /// The anchored height.
        anchored: u64,
        /// The spec's `max_unanchored`.
        most: u64,
    },
    /// An item of evidence proves nothing.
    #[error("body.evidence[{at}]: {why}")]
    Evidence {
        /// Its index.
        at: usize,
        /// Why.
        why: NoProof,
    },
    /// An item of evidence is too old, or from the future.
    #[error("body.evidence[{at}]: {what} may not stand in a block of slot {slot}")]
    EvidenceTime {
        /// Its index.
        at: usize,
        /// The offence.
        what: String,
        /// The block's slot.
        slot: Slot,
    },
    /// An offence is proved twice on one chain.
    #[error("body.evidence[{at}]: {what} of this member stands on chain already")]
    EvidenceAgain {
        /// Its index.
        at: usize,
        /// The offence.
        what: String,
    },
    /// The body cannot be applied to the peg state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The payload departs from what this side prescribes.
    #[error(transparent)]
    Payload(#[from] PayloadError),
}

/// What the rules need to know of a block's parent.
#[derive(Debug, Clone, Copy)]
pub struct Parent<'a> {
    /// Its hash.
    pub hash: B256,
    /// Its header.
    pub header: &'a Header,
    /// The peg state after it.
    pub peg: &'a PegState,
    /// The facts of its payload.
    pub facts: &'a ExecutionFacts,
    /// The offences proved on its chain, itself included, within [`EVIDENCE_WINDOW`].
    pub offences: &'a BTreeSet<Offence>,
}

/// What a block on a parent, in a slot, with a body, must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The header, but for `body_root` and `payload_hash`.
    pub header: Header,
    /// What the payload must repeat.
    pub payload: PayloadRules,
    /// The peg state after the block.
    pub peg: PegState,
    /// The offences that the body proves.
    pub offences: Vec<Offence>,
}

/// The rules of one chain.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// The spec.
    pub spec: &'a ChainSpec,
    /// Its digest.
    pub digest: B256,
    /// Checks signatures.
    pub verifier: &'a dyn Verifier,
    /// Certificates that need no check, because they were checked before.
    pub is_known: &'a dyn Fn(&Certificate) -> bool,
}

impl Rules<'_> {
    /// What a block with `body` in `slot` on `parent` must be. Checks all of the body on the way.
    ///
    /// # Errors
    /// [`Invalid`]: no such block is valid.
    pub fn expect(&self, parent: &Parent<'_>, slot: Slot, body: &Body) -> Result<Expected, Invalid> {
        if slot <= parent.header.slot {
            return Err(Invalid::Slot { slot, parent: parent.header.slot });
        }
        let no_time = Invalid::NoTime(slot);
        let timestamp = self.spec.slots().timestamp(slot).ok_or(no_time.clone())?;
        let proposer = proposer(slot, self.spec.members()).ok_or(no_time.clone())?;
        let height = parent.header.height.checked_add(1).ok_or(no_time)?;
        self.check_size(body)?;
        self.check_justification(parent, body)?;
        self.check_anchor(parent, height, body)?;
        let offences = self.check_evidence(parent, slot, body)?;
        let max_withdrawals = self.spec.max_withdrawals();
        let peg = parent.peg.next(parent.facts, body, max_withdrawals)?;
        let header = Header {
            version: VERSION,
            epoch: parent.peg.epoch,
            height,
            slot,
            proposer,
            parent: parent.hash,
            payload_hash: B256::ZERO,
            body_root: B256::ZERO,
            peg_root: peg.root(),
        };
        let payload = PayloadRules {
            parent_hash: parent.header.payload_hash,
            block_number: height,
            timestamp,
            prev_randao: body.prev_randao(self.digest),
            fee_recipient: self.spec.blocks.fee_sink,
            gas_limit: self.spec.blocks.gas_limit,
            parent_beacon_block_root: parent.hash,
            withdrawals: expected_withdrawals(parent.peg, body, max_withdrawals).withdrawals,
        };
        Ok(Expected { header, payload, peg, offences })
    }

    /// Judges a block whose copy was checked against its header.
    ///
    /// # Errors
    /// [`Invalid`], final for this block.
    pub fn check(&self, parent: &Parent<'_>, block: &Block) -> Result<Expected, Invalid> {
        let mut expected = self.expect(parent, block.header.slot, &block.body)?;
        // Both were recomputed when the copy was checked.
        expected.header.body_root = block.header.body_root;
        expected.header.payload_hash = block.header.payload_hash;
        compare(&block.header, &expected.header)?;
        expected.payload.check(&block.payload)?;
        Ok(expected)
    }

    fn check_size(&self, body: &Body) -> Result<(), Invalid> {
        let (found, most) = (body.ssz_bytes_len(), self.spec.blocks.max_body);
        if found as u64 > most {
            return Err(Invalid::BodyTooLarge { found, most });
        }
        Ok(())
    }

    /// Block 1 has no justification, every other exactly the notarization of its parent.
    fn check_justification(&self, parent: &Parent<'_>, body: &Body) -> Result<(), Invalid> {
        let certificate = match (parent.header.height, body.justification.as_ref()) {
            (0, []) => return Ok(()),
            (0, _) => return Err(Invalid::Justification("block 1 has none: genesis is not voted for")),
            (_, [certificate]) => certificate,
            (_, _) => return Err(Invalid::Justification("must be exactly one notarization")),
        };
        if certificate.data != notarization_of(parent.hash, parent.header) {
            return Err(Invalid::Justification("is not the notarization of the parent"));
        }
        self.check_certificate(certificate)
    }

    /// Checks a certificate's signature, unless that was done before.
    ///
    /// # Errors
    /// [`Invalid::Certificate`].
    pub fn check_certificate(&self, certificate: &Certificate) -> Result<(), Invalid> {
        if (self.is_known)(certificate) {
            return Ok(());
        }
        Ok(self.verifier.certificate(certificate)?)
    }

    /// Whether a block without work may stand at this height.
    fn check_anchor(&self, parent: &Parent<'_>, height: u64, body: &Body) -> Result<(), Invalid> {
        let (anchored, most) = (parent.peg.anchor.height, self.spec.mining.max_unanchored);
        if body.auxpow.is_empty() && height.saturating_sub(anchored) > most {
            return Err(Invalid::Unanchored { height, anchored, most });
        }
        Ok(())
    }

    fn check_evidence(&self, parent: &Parent<'_>, slot: Slot, body: &Body) -> Result<Vec<Offence>, Invalid> {
        let mut found = Vec::with_capacity(body.evidence.len());
        for (at, item) in body.evidence.iter().enumerate() {
            let offence = offence(item, self.verifier).map_err(|why| Invalid::Evidence { at, why })?;
            if !offence.is_timely(slot) {
                return Err(Invalid::EvidenceTime { at, what: offence.describe(), slot });
            }
            if parent.offences.contains(&offence) || found.contains(&offence) {
                return Err(Invalid::EvidenceAgain { at, what: offence.describe() });
            }
            found.push(offence);
        }
        Ok(found)
    }
}

/// What members sign to notarize a block.
#[must_use]
pub fn notarization_of(hash: B256, header: &Header) -> VoteData {
    vote_for(VoteKind::Notarize, hash, header)
}

/// What members sign for a block.
#[must_use]
pub fn vote_for(kind: VoteKind, hash: B256, header: &Header) -> VoteData {
    VoteData { epoch: header.epoch, kind, slot: header.slot, height: header.height, block: hash }
}

fn compare(found: &Header, expected: &Header) -> Result<(), Invalid> {
    field("version", &found.version, &expected.version)?;
    field("epoch", &found.epoch, &expected.epoch)?;
    field("height", &found.height, &expected.height)?;
    field("proposer", &found.proposer, &expected.proposer)?;
    field("parent", &found.parent, &expected.parent)?;
    field("peg_root", &found.peg_root, &expected.peg_root)
}

fn field<T: PartialEq + std::fmt::Debug>(
    field: &'static str,
    found: &T,
    expected: &T,
) -> Result<(), Invalid> {
    if found == expected {
        return Ok(());
    }
    let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
    Err(Invalid::Header { field, found, expected })
}
