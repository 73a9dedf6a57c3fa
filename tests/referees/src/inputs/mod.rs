//! Inputs of the precompiles: valid ones, and ones that are wrong in one way.

mod bls;
mod bn254;
mod kzg;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::pick;

/// The last of Prague's precompiles: 0x01 to 0x11.
pub const LAST_PRECOMPILE: u64 = 0x11;

/// The address of a precompile by its number.
#[must_use]
pub fn precompile(number: u64) -> Address {
    Address::from_word(B256::from(U256::from(number)))
}

/// Where inputs of precompiles come from.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// How often pairings (BN254, BLS12-381, point evaluation) are taken, as a share of their turns:
    /// in the specs' Python one costs half a second.
    pairings: f64,
    signer: PrivateKeySigner,
}

impl Inputs {
    /// Inputs of all precompiles; `pairings` from 0 to 1.
    ///
    /// # Errors
    /// None: the key is a key.
    pub fn new(pairings: f64) -> eyre::Result<Self> {
        Ok(Self { pairings, signer: PrivateKeySigner::from_bytes(&keccak256("ecrecover"))? })
    }

    /// A precompile and an input: right in three of four cases, wrong in some way in the fourth.
    #[must_use]
    pub fn random(&self, rng: &mut ChaCha8Rng) -> (Address, Bytes) {
        let mut number = rng.random_range(1..=LAST_PRECOMPILE);
        if matches!(number, 0x08 | 0x0a | 0x0f) && !rng.random_bool(self.pairings) {
            number = *pick(rng, &[1, 2, 3, 4, 5, 6, 7, 9]);
        }
        let valid = self.valid(rng, number);
        let input = if rng.random_bool(0.75) { valid } else { damage(rng, valid) };
        (precompile(number), input.into())
    }

    fn valid(&self, rng: &mut ChaCha8Rng, number: u64) -> Vec<u8> {
        match number {
            0x01 => self.ecrecover(rng),
            0x05 => modexp(rng),
            0x06 => [bn254::point(rng), bn254::point(rng)].concat(),
            0x07 => [&bn254::point(rng)[..], &rng.random::<[u8; 32]>()].concat(),
            0x08 => bn254::pairing(rng),
            0x09 => blake2f(rng),
            0x0a => kzg::point_evaluation(rng),
            0x0b => [bls::g1(rng), bls::g1(rng)].concat(),
            0x0c => bls::msm(rng, bls::g1),
            0x0d => [bls::g2(rng), bls::g2(rng)].concat(),
            0x0e => bls::msm(rng, bls::g2),
            0x0f => bls::pairing(rng),
            0x10 => bls::field_element(rng),
            0x11 => [bls::field_element(rng), bls::field_element(rng)].concat(),
            // SHA-256, RIPEMD-160, identity: any bytes.
            _ => bytes(rng, 150),
        }
    }

    fn ecrecover(&self, rng: &mut ChaCha8Rng) -> Vec<u8> {
        let hash = B256::from(rng.random::<[u8; 32]>());
        let Ok(signature) = self.signer.sign_hash_sync(&hash) else { return Vec::new() };
        // High `s` is fine here, unlike in transactions.
        let v = U256::from(27 + u8::from(signature.v()));
        let words = [hash, v.into(), signature.r().into(), signature.s().into()];
        words.concat()
    }
}

/// Up to `most` random bytes.
fn bytes(rng: &mut ChaCha8Rng, most: usize) -> Vec<u8> {
    let mut bytes = vec![0; rng.random_range(0..most)];
    rng.fill(&mut bytes[..]);
    bytes
}

/// EIP-198 and EIP-2565: three lengths, then base, exponent, modulus.
fn modexp(rng: &mut ChaCha8Rng) -> Vec<u8> {
    let length = |rng: &mut ChaCha8Rng| *pick(rng, &[0usize, 1, 2, 8, 31, 32, 33, 48, 64, 65]);
    let (base, exponent, modulus) = (length(rng), length(rng), length(rng));
    let mut input = Vec::new();
    for length in [base, exponent, modulus] {
        input.extend_from_slice(&U256::from(length).to_be_bytes::<32>());
    }
    let mut rest = vec![0; base + exponent + modulus];
    match rng.random_range(0..4) {
        // A modulus of 0 or 1, an exponent of 0.
        0 => {
            if let Some(last) = rest.last_mut() {
                *last = rng.random_range(0..3);
            }
        }
        // Lengths that promise more bytes than there are: the rest counts as zeros.
        1 => {
            rng.fill(&mut rest[..]);
            rest.truncate(rest.len() / 2);
        }
        // A length that nobody can pay.
        2 if rng.random_bool(0.2) => input[rng.random_range(0..96)] = 1,
        _ => rng.fill(&mut rest[..]),
    }
    [input, rest].concat()
}

/// EIP-152: rounds, state, message, offset counters, the final flag.
fn blake2f(rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut input = vec![0; 213];
    rng.fill(&mut input[4..212]);
    input[..4].copy_from_slice(&rng.random_range(0..200u32).to_be_bytes());
    input[212] = u8::from(rng.random_bool(0.5));
    input
}

/// An input that is wrong in one way: cut, too long, a byte altered, all zero, nothing.
fn damage(rng: &mut ChaCha8Rng, mut input: Vec<u8>) -> Vec<u8> {
    let length = input.len();
    match rng.random_range(0..8) {
        0 if length > 0 => input.truncate(rng.random_range(0..length)),
        1 => input.push(rng.random()),
        2 => input.extend_from_slice(&[0; 32]),
        3 => input.fill(0),
        4 => input.clear(),
        // Above the field's modulus, most likely.
        5 if length >= 64 => {
            let at = rng.random_range(0..length / 64) * 64;
            input[at..at + 64].fill(0xff);
        }
        _ if length > 0 => {
            let at = rng.random_range(0..length);
            input[at] ^= 1 << rng.random_range(0..8);
        }
        _ => {}
    }
    input
}
