//! The federation's metrics. How long messages wait and take is measured by the bus.

use alys_primitives::VoteKind;
use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

use crate::core::Counts;

/// Handles, registered once.
pub(crate) struct FederationMetrics {
    certificates: Counter,
    blamed: Counter,
    refused: Counter,
    held: Gauge,
    notarized: Counter,
    finalized: Counter,
    proposed: Counter,
    unsigned: Counter,
}

impl FederationMetrics {
    pub(crate) fn register() -> Self {
        const SIGNED: &str = "alys_federation_signed_total";
        describe_counter!("alys_federation_certificates_total", "Certificates combined from shares.");
        describe_counter!(
            "alys_federation_false_shares_total",
            "Shares that did not verify; their members are blamed."
        );
        describe_counter!(
            "alys_federation_refused_shares_total",
            "Shares that were not collected: no member, wrong slot or epoch."
        );
        describe_gauge!("alys_federation_shares_held", "Shares that wait for a quorum.");
        describe_counter!(SIGNED, "What this node's signer has signed, by kind.");
        describe_counter!(
            "alys_federation_signer_refusals_total",
            "Signatures that the signer's own rules refused."
        );
        Self {
            certificates: counter!("alys_federation_certificates_total"),
            blamed: counter!("alys_federation_false_shares_total"),
            refused: counter!("alys_federation_refused_shares_total"),
            held: gauge!("alys_federation_shares_held"),
            notarized: counter!(SIGNED, "kind" => "notarize"),
            finalized: counter!(SIGNED, "kind" => "finalize"),
            proposed: counter!(SIGNED, "kind" => "proposal"),
            unsigned: counter!("alys_federation_signer_refusals_total"),
        }
    }

    pub(crate) fn collected(&self, counts: Counts, held: usize) {
        self.certificates.absolute(counts.certificates);
        self.blamed.absolute(counts.blamed);
        self.held.set(u32::try_from(held).unwrap_or(u32::MAX));
    }

    pub(crate) fn share_refused(&self) {
        self.refused.increment(1);
    }

    pub(crate) fn signed_vote(&self, kind: VoteKind) {
        match kind {
            VoteKind::Notarize => self.notarized.increment(1),
            VoteKind::Finalize => self.finalized.increment(1),
        }
    }

    pub(crate) fn signed_proposal(&self) {
        self.proposed.increment(1);
    }

    pub(crate) fn signer_refused(&self) {
        self.unsigned.increment(1);
    }
}
