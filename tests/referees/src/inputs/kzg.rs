//! Inputs of point evaluation (EIP-4844): commitments whose openings are known without a setup.

use alloy_primitives::{B256, U256, hex};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// The order of BLS12-381's groups; scalars lie below it (EIP-4844).
const ORDER: U256 =
    U256::from_be_bytes(hex!("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001"));

/// The second power of the ceremony's secret in G1, compressed: the commitment to the polynomial `x`.
const TAU: [u8; 48] =
    hex!("ad3eb50121139aa34db1d545093ac9374ab7bca2c0f3bf28e27c8dcd8fc7cb42d25926fc0c97b336e9f0fb35e5a04c81");

/// The generator of G1, compressed: the proof that `x` has the value `z` at `z`.
const GENERATOR: [u8; 48] =
    hex!("97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb");

/// Infinity, compressed: the proof that a constant has its value anywhere.
const INFINITY: [u8; 48] = {
    let mut point = [0; 48];
    point[0] = 0xc0;
    point
};

/// Versioned hash, point, value, commitment, proof: right, or right but for a value or a point.
pub(super) fn point_evaluation(rng: &mut ChaCha8Rng) -> Vec<u8> {
    let scalar = |rng: &mut ChaCha8Rng| U256::from_be_bytes(rng.random::<[u8; 32]>()) % ORDER;
    let mut point = scalar(rng);
    let (mut value, commitment, proof) = match rng.random_range(0..4) {
        // The polynomial `x`.
        0 => (point, TAU, GENERATOR),
        // The polynomial 0.
        1 => (U256::ZERO, INFINITY, INFINITY),
        _ => {
            let constant = scalar(rng);
            let key = blst::min_pk::SecretKey::from_bytes(&constant.to_be_bytes::<32>());
            let commitment = key.map_or(INFINITY, |key| key.sk_to_pk().compress());
            (constant, commitment, INFINITY)
        }
    };
    let mut hash = B256::from_slice(&Sha256::digest(commitment));
    hash.0[0] = 1;
    match rng.random_range(0..8) {
        0 => value += U256::from(1),
        // Not canonical, though equal modulo the order.
        1 => point = point.saturating_add(ORDER),
        2 => hash.0[0] = rng.random(),
        _ => {}
    }
    [hash.as_slice(), &point.to_be_bytes::<32>(), &value.to_be_bytes::<32>(), &commitment, &proof].concat()
}
