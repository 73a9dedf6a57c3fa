//! Authorisations of EIP-7702: right ones, and every way of being passed over.

use alloy_eips::eip7702::{Authorization, SignedAuthorization};
use alloy_primitives::{Address, Signature, U256};
use alloy_signer::SignerSync;
use rand::Rng;

use super::Generator;
use super::envelope::Draft;
use crate::genesis::CHAIN_ID;
use crate::pick;
use crate::program::call_data;

impl Generator {
    /// A transaction with one to four authorisations, sent to one of the accounts that gave them.
    pub(super) fn set_code(&mut self, draft: &mut Draft, next: &mut [u64]) {
        let mut last = self.keys[draft.from].address();
        for _ in 0..self.rng.random_range(1..=4) {
            // Itself now and then: its nonce has been counted up already.
            let authority = if self.rng.random_bool(0.2) {
                draft.from
            } else {
                self.rng.random_range(0..self.keys.len())
            };
            last = self.keys[authority].address();
            let target = self.delegate();
            let signed = self.authorization(authority, target, next);
            draft.authorizations.extend(signed);
            if self.rng.random_bool(0.2) {
                // Once more in the same transaction: the later one stands.
                let target = self.delegate();
                let signed = self.authorization(authority, target, next);
                draft.authorizations.extend(signed);
            }
        }
        let to = if self.rng.random_bool(0.8) { last } else { self.contract() };
        let gas = self.rng.random_range(300_000..=self.profile.gas.max(300_000));
        draft.call(to, call_data(&mut self.rng), gas);
        draft.value = U256::from(*pick(&mut self.rng, &[0u64, 0, 3]));
    }

    /// One authorisation. Where it is right, the authority's nonce moves.
    fn authorization(
        &mut self,
        authority: usize,
        address: Address,
        next: &mut [u64],
    ) -> Option<SignedAuthorization> {
        let mut authorization =
            Authorization { chain_id: U256::from(CHAIN_ID), address, nonce: next[authority] };
        let flaw = self.rng.random_range(0..16);
        match flaw {
            0 => authorization.nonce += 1,
            1 => authorization.nonce = authorization.nonce.saturating_sub(1),
            // It may never be reached (EIP-2681).
            2 => authorization.nonce = u64::MAX,
            3 => authorization.chain_id = U256::from(CHAIN_ID + 1),
            4 => authorization.chain_id = U256::MAX,
            // Any chain.
            5 | 6 => authorization.chain_id = U256::ZERO,
            _ => {}
        }
        let signature = self.keys[authority].sign_hash_sync(&authorization.signature_hash()).ok()?;
        let parity = u8::from(signature.v());
        let (r, s) = (signature.r(), signature.s());
        let signed = match flaw {
            // The high twin of `s` (EIP-2), a parity that is none, no signature at all.
            7 => SignedAuthorization::new_unchecked(authorization, 1 - parity, r, ORDER - s),
            8 => SignedAuthorization::new_unchecked(authorization, 27 + parity, r, s),
            9 => SignedAuthorization::new_unchecked(authorization, parity, U256::ZERO, s),
            // A signature of somebody, for something.
            10 => SignedAuthorization::new_unchecked(authorization, 1 - parity, r, s),
            _ => authorization.into_signed(Signature::new(r, s, signature.v())),
        };
        if matches!(flaw, 5 | 6 | 11..) || (flaw == 1 && next[authority] == 0) {
            next[authority] += 1;
        }
        Some(signed)
    }
}

/// The order of secp256k1.
const ORDER: U256 =
    alloy_primitives::uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);
