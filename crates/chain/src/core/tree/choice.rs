//! Fork choice: the highest-slot notarized descendant of the last final block.

use alys_primitives::B256;

use super::Tree;
use crate::core::certificates::Certificates;

impl Tree {
    /// The block that is final by the highest finalization whose block is valid here; the root where
    /// there is none above it.
    pub(crate) fn best_final(&self, certificates: &Certificates) -> B256 {
        let mut blocks = certificates.finalizations().map(|certificate| certificate.data.block);
        blocks.find(|hash| self.is_valid_descendant(*hash, self.root)).unwrap_or(self.root)
    }

    /// The highest-slot notarized block that is valid here and descends from `finalized`, or that
    /// block itself.
    pub(crate) fn best_head(&self, finalized: B256, certificates: &Certificates) -> B256 {
        let mut blocks = certificates.notarizations().map(|certificate| certificate.data.block);
        blocks.find(|hash| self.is_valid_descendant(*hash, finalized)).unwrap_or(finalized)
    }

    /// Whether a valid block is `ancestor` or descends from it.
    fn is_valid_descendant(&self, hash: B256, ancestor: B256) -> bool {
        let Some(target) = self.get(ancestor) else { return false };
        let mut at = hash;
        loop {
            if at == ancestor {
                return true;
            }
            match self.get(at) {
                Some(node) if node.standing.is_valid() && node.header.height > target.header.height => {
                    at = node.header.parent;
                }
                _ => return false,
            }
        }
    }

    /// The highest block that both chains have.
    pub(crate) fn common_ancestor(&self, a: B256, b: B256) -> Option<B256> {
        let (a, b) = (self.path(a)?, self.path(b)?);
        let shared = a.iter().zip(&b).take_while(|(a, b)| a == b).last().map(|(hash, _)| *hash);
        Some(shared.unwrap_or(self.root))
    }
}
