//! Points of BLS12-381 in the encoding of EIP-2537: coordinates of 64 bytes, the first 16 zero.

use alloy_primitives::{U512, hex};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// The field's modulus, padded to 64 bytes.
const MODULUS: U512 = U512::from_be_bytes(hex!(
    "00000000000000000000000000000000"
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab"
));

/// A coordinate of 48 bytes, padded.
fn padded(coordinate: &[u8]) -> Vec<u8> {
    [&[0; 16], coordinate].concat()
}

fn secret(rng: &mut ChaCha8Rng) -> [u8; 32] {
    let mut scalar: [u8; 32] = rng.random();
    // Below the group's order.
    scalar[0] &= 0x3f;
    scalar[31] |= 1;
    scalar
}

/// A point of G1 (128 bytes): mostly in the subgroup, now and then only on the curve, or infinity.
pub(super) fn g1(rng: &mut ChaCha8Rng) -> Vec<u8> {
    use blst::min_pk::{PublicKey, SecretKey};
    let point = match rng.random_range(0..10) {
        0 => return vec![0; 128],
        1 => outside::<48, _>(rng, |bytes| PublicKey::uncompress(bytes).ok()),
        _ => SecretKey::from_bytes(&secret(rng)).ok().map(|key| key.sk_to_pk()),
    };
    point.map_or(vec![0; 128], |point| point.serialize().chunks(48).flat_map(padded).collect())
}

/// A point of G2 (256 bytes), as [`g1`].
pub(super) fn g2(rng: &mut ChaCha8Rng) -> Vec<u8> {
    use blst::min_sig::{PublicKey, SecretKey};
    let point = match rng.random_range(0..10) {
        0 => return vec![0; 256],
        1 => outside::<96, _>(rng, |bytes| PublicKey::uncompress(bytes).ok()),
        _ => SecretKey::from_bytes(&secret(rng)).ok().map(|key| key.sk_to_pk()),
    };
    let Some(point) = point else { return vec![0; 256] };
    let bytes = point.serialize();
    let part = |at: usize| padded(&bytes[at * 48..(at + 1) * 48]);
    // blst writes imaginary parts first, EIP-2537 real ones.
    [part(1), part(0), part(3), part(2)].concat()
}

/// A point on the curve whose x is random: it lies outside the subgroup almost surely.
fn outside<const N: usize, T>(rng: &mut ChaCha8Rng, decode: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
    (0..32).find_map(|_| {
        let mut bytes = [0; N];
        rng.fill(&mut bytes[..]);
        // Compressed, not infinity, x below the modulus.
        bytes[0] = 0x80 | (bytes[0] & 0x0f);
        if N == 96 {
            bytes[48] &= 0x0f;
        }
        decode(&bytes)
    })
}

/// Points with scalars.
pub(super) fn msm(rng: &mut ChaCha8Rng, point: impl Fn(&mut ChaCha8Rng) -> Vec<u8>) -> Vec<u8> {
    let mut input = Vec::new();
    for _ in 0..rng.random_range(1..4) {
        input.extend(point(rng));
        // Scalars may be as large as 2^256.
        input.extend(match rng.random_range(0..4) {
            0 => [0; 32],
            1 => [0xff; 32],
            _ => rng.random::<[u8; 32]>(),
        });
    }
    input
}

fn negate(point: &[u8]) -> Vec<u8> {
    let y = U512::from_be_slice(&point[64..128]);
    let negated = if y.is_zero() { y } else { MODULUS.saturating_sub(y) };
    [&point[..64], &negated.to_be_bytes::<64>()[..]].concat()
}

/// Pairs whose product is one in three of four cases.
pub(super) fn pairing(rng: &mut ChaCha8Rng) -> Vec<u8> {
    let (one, second) = (g1(rng), g2(rng));
    let other = if rng.random_bool(0.75) { negate(&one) } else { g1(rng) };
    match rng.random_range(0..6) {
        0 => [one, second].concat(),
        _ => [one, second.clone(), other, second].concat(),
    }
}

/// An element of the field (64 bytes), to be mapped to the curve; now and then not below the modulus.
pub(super) fn field_element(rng: &mut ChaCha8Rng) -> Vec<u8> {
    let value = match rng.random_range(0..12) {
        0 => U512::ZERO,
        1 => MODULUS - U512::from(1),
        2 => MODULUS,
        _ => U512::from_be_bytes(rng.random::<[u8; 64]>()) % MODULUS,
    };
    value.to_be_bytes::<64>().to_vec()
}
