//! Points of BN254 (EIP-196, EIP-197).

use alloy_primitives::{U256, uint};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// The field's modulus.
const MODULUS: U256 =
    uint!(21888242871839275222246405745257275088696311157297823662689037894645226208583_U256);

/// The generator of G2: x and y, each with its imaginary part first, as EIP-197 encodes it.
const G2: [U256; 4] = uint!([
    11559732032986387107991004021392285783925812861821192530917403151452391805634_U256,
    10857046999023057135944570762232829481370756359578518086990519993285655852781_U256,
    4082367875863433681332203403145435568316851327593401208105741076214120093531_U256,
    8495653923123431417604973247489272438418190587263600148770280649306958101930_U256,
]);

/// A point of G1: a multiple of the generator (1, 2), or infinity. 64 bytes.
pub(super) fn point(rng: &mut ChaCha8Rng) -> Vec<u8> {
    let scalar: [u8; 32] = match rng.random_range(0..8) {
        0 => return vec![0; 64],
        1 => U256::from(rng.random_range(1..4u64)).to_be_bytes(),
        _ => rng.random(),
    };
    let mut input = vec![0; 96];
    input[31] = 1;
    input[63] = 2;
    input[64..].copy_from_slice(&scalar);
    // Multiplied by the precompile's own code: which point it is does not matter.
    revm::precompile::bn254::run_mul(&input, 0, u64::MAX).map_or(vec![0; 64], |output| output.bytes.to_vec())
}

fn negate(point: &[u8]) -> Vec<u8> {
    let y = U256::from_be_slice(&point[32..64]);
    let negated = if y.is_zero() { y } else { MODULUS - y };
    [&point[..32], &negated.to_be_bytes::<32>()[..]].concat()
}

fn g2() -> Vec<u8> {
    G2.iter().flat_map(|word| word.to_be_bytes::<32>()).collect()
}

/// Pairs whose product is one in three of four cases.
pub(super) fn pairing(rng: &mut ChaCha8Rng) -> Vec<u8> {
    let one = point(rng);
    let other = if rng.random_bool(0.75) { negate(&one) } else { point(rng) };
    match rng.random_range(0..6) {
        0 => Vec::new(),
        // Infinity on the side of G2.
        1 => [&one[..], &[0; 128]].concat(),
        _ => [one, g2(), other, g2()].concat(),
    }
}
