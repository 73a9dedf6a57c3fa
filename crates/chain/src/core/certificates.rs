//! Certificates that verified, by slot. Two quorums share an honest member, so a slot has one.

use std::{collections::BTreeMap, sync::Arc};

use alys_primitives::{B256, Certificate, Slot, VoteKind};

/// What became of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Learned {
    /// It was new.
    New,
    /// It was known.
    Known,
    /// Its slot has another: the federation has lost more members than it tolerates.
    Conflict(B256),
}

/// Notarizations from the last final block on, and finalizations above it.
#[derive(Debug, Default)]
pub(crate) struct Certificates {
    notarized: BTreeMap<Slot, Arc<Certificate>>,
    finalized: BTreeMap<Slot, Arc<Certificate>>,
}

impl Certificates {
    fn of(&self, kind: VoteKind) -> &BTreeMap<Slot, Arc<Certificate>> {
        match kind {
            VoteKind::Notarize => &self.notarized,
            VoteKind::Finalize => &self.finalized,
        }
    }

    /// Adds a certificate that verified.
    pub(crate) fn learn(&mut self, certificate: Arc<Certificate>) -> Learned {
        let data = certificate.data;
        match self.of(data.kind).get(&data.slot) {
            Some(known) if known.data == data => Learned::Known,
            Some(known) => Learned::Conflict(known.data.block),
            None => {
                match data.kind {
                    VoteKind::Notarize => self.notarized.insert(data.slot, certificate),
                    VoteKind::Finalize => self.finalized.insert(data.slot, certificate),
                };
                Learned::New
            }
        }
    }

    /// Whether exactly this certificate, signature included, has been verified already.
    pub(crate) fn contains(&self, certificate: &Certificate) -> bool {
        let known = self.of(certificate.data.kind).get(&certificate.data.slot);
        known.is_some_and(|known| **known == *certificate)
    }

    /// The certificate of a kind in a slot.
    pub(crate) fn get(&self, kind: VoteKind, slot: Slot) -> Option<&Arc<Certificate>> {
        self.of(kind).get(&slot)
    }

    /// The notarization of a block.
    pub(crate) fn notarization(&self, slot: Slot, block: B256) -> Option<&Arc<Certificate>> {
        self.notarized.get(&slot).filter(|certificate| certificate.data.block == block)
    }

    /// The highest-slot certificate of a kind.
    pub(crate) fn highest(&self, kind: VoteKind) -> Option<&Arc<Certificate>> {
        self.of(kind).last_key_value().map(|(_, certificate)| certificate)
    }

    /// The slot of the highest certificate of a kind, 0 where there is none.
    pub(crate) fn highest_slot(&self, kind: VoteKind) -> Slot {
        self.of(kind).last_key_value().map_or(0, |(slot, _)| *slot)
    }

    /// Finalizations, highest slot first.
    pub(crate) fn finalizations(&self) -> impl Iterator<Item = &Arc<Certificate>> {
        self.finalized.values().rev()
    }

    /// Notarizations, highest slot first.
    pub(crate) fn notarizations(&self) -> impl Iterator<Item = &Arc<Certificate>> {
        self.notarized.values().rev()
    }

    /// Drops what lies below the last final block. Its own stay: they justify children, and are sent
    /// again until there are higher ones.
    pub(crate) fn prune(&mut self, root: Slot) {
        self.notarized = self.notarized.split_off(&root);
        self.finalized = self.finalized.split_off(&root);
    }
}
