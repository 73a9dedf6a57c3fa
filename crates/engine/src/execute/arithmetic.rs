//! The arithmetic behind precompiles: revm's, but for what its library can do faster than revm asks it to.
//!
//! Multiplication on BN254 (EIP-196): `ark-bn254` splits a scalar in two of half the length by the curve's endomorphism
//! (Gallant, Lambert and Vanstone, CRYPTO 2001), yet only for a point in projective coordinates. revm hands it an
//! affine one. Why the rest is revm's own: `docs/adr/0008`.

use std::sync::Once;

use alloy_evm::EthEvmFactory;
use ark_bn254::{Fq, Fr, G1Affine, G1Projective};
use ark_ec::{AffineRepr as _, CurveGroup as _};
use ark_ff::{BigInt, BigInteger as _, PrimeField as _};
use revm::precompile::{Crypto, PrecompileHalt, install_crypto};

/// What makes every EVM of this crate.
pub(crate) fn evm_factory() -> EthEvmFactory {
    static INSTALLED: Once = Once::new();
    // Once for the whole process. A program that has installed its own before keeps it.
    INSTALLED.call_once(|| {
        install_crypto(Arithmetic);
    });
    EthEvmFactory::default()
}

#[derive(Debug)]
struct Arithmetic;

impl Crypto for Arithmetic {
    fn bn254_g1_mul(&self, point: &[u8], scalar: &[u8]) -> Result<[u8; 64], PrecompileHalt> {
        let product = G1Projective::from(read(point)?) * Fr::from_be_bytes_mod_order(scalar);
        Ok(write(product.into_affine()))
    }
}

/// A point of BN254 from its coordinates, 32 bytes each and big-endian; zeros stand for the point at infinity.
///
/// All points of the curve are in its group: the cofactor is 1.
fn read(bytes: &[u8]) -> Result<G1Affine, PrecompileHalt> {
    let (x, y) = bytes.split_at_checked(32).ok_or(PrecompileHalt::Bn254FieldPointNotAMember)?;
    let (x, y) = (coordinate(x)?, coordinate(y)?);
    let point = G1Affine::new_unchecked(x, y);
    if x == Fq::from(0) && y == Fq::from(0) {
        Ok(G1Affine::zero())
    } else if point.is_on_curve() {
        Ok(point)
    } else {
        Err(PrecompileHalt::Bn254AffineGFailedToCreate)
    }
}

/// A number below the field's prime.
fn coordinate(bytes: &[u8]) -> Result<Fq, PrecompileHalt> {
    let outside = PrecompileHalt::Bn254FieldPointNotAMember;
    let Ok(word) = <[u8; 32]>::try_from(bytes) else { return Err(outside) };
    let (words, _) = word.as_chunks::<8>();
    let mut limbs = [0; 4];
    for (limb, word) in limbs.iter_mut().zip(words.iter().rev()) {
        *limb = u64::from_be_bytes(*word);
    }
    Fq::from_bigint(BigInt::new(limbs)).ok_or(outside)
}

fn write(point: G1Affine) -> [u8; 64] {
    let mut bytes = [0; 64];
    if let Some((x, y)) = point.xy() {
        let (left, right) = bytes.split_at_mut(32);
        left.copy_from_slice(&x.into_bigint().to_bytes_be());
        right.copy_from_slice(&y.into_bigint().to_bytes_be());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{B256, U256, hex};
    use proptest::prelude::*;
    use revm::precompile::DefaultCrypto;

    use super::*;

    /// The field's prime and the group's order (EIP-196).
    const PRIME: B256 = B256::new(hex!("30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47"));
    const ORDER: B256 = B256::new(hex!("30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001"));

    fn point(x: B256, y: B256) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&x[..]);
        bytes[32..].copy_from_slice(&y[..]);
        bytes
    }

    fn number(value: u64) -> B256 {
        B256::from(U256::from(value))
    }

    fn generator() -> [u8; 64] {
        point(number(1), number(2))
    }

    /// Says of `scalar` times `point` what revm says.
    fn as_revm(point: &[u8], scalar: B256) -> Result<[u8; 64], PrecompileHalt> {
        let ours = Arithmetic.bn254_g1_mul(point, &scalar[..]);
        assert_eq!(ours, DefaultCrypto.bn254_g1_mul(point, &scalar[..]), "{scalar} · {}", hex::encode(point));
        ours
    }

    /// Numbers at the edges of the order, of the prime, of 128 bits and of the endomorphism's eigenvalue.
    fn edges() -> Vec<B256> {
        // ark_bn254's LAMBDA of G1, a cube root of 1 modulo the order.
        let root =
            U256::from_be_slice(&hex!("30644e72e131a029048b6e193fd84104cc37a73fec2bc5e9b8ca0b2d36636f23"));
        let [order, prime] = [ORDER, PRIME].map(|number| U256::from_be_bytes(number.0));
        let around = |number: U256| {
            (0..5).map(move |more| number.wrapping_add(U256::from(more)).wrapping_sub(U256::from(2)))
        };
        let middles = [
            U256::ZERO,
            root,
            root.mul_mod(root, order),
            order,
            prime,
            U256::from(1) << 127,
            U256::from(1) << 128,
        ];
        let middles = middles.into_iter().chain((1..6_u8).map(|times| order.wrapping_mul(U256::from(times))));
        middles.flat_map(around).map(B256::from).collect()
    }

    #[test]
    fn the_edges_of_scalars_and_points_give_what_revm_gives() {
        let root =
            U256::from_be_slice(&hex!("30644e72e131a029048b6e193fd84104cc37a73fec2bc5e9b8ca0b2d36636f23"));
        let order = U256::from_be_bytes(ORDER.0);
        assert_eq!(root.pow_mod(U256::from(3), order), U256::from(1), "no cube root of 1");
        let other = as_revm(&generator(), number(7)).unwrap();
        for scalar in edges() {
            for point in [generator(), other, [0; 64]] {
                as_revm(&point, scalar).unwrap();
            }
        }
        assert_eq!(as_revm(&generator(), ORDER).unwrap(), [0; 64]);
        assert_eq!(as_revm(&generator(), number(1)).unwrap(), generator());
    }

    #[test]
    fn what_is_no_point_is_refused_as_revm_refuses_it() {
        let outside = Err(PrecompileHalt::Bn254FieldPointNotAMember);
        let off_curve = Err(PrecompileHalt::Bn254AffineGFailedToCreate);
        let three = number(3);
        assert_eq!(as_revm(&point(PRIME, number(2)), three), outside);
        assert_eq!(as_revm(&point(number(1), B256::repeat_byte(0xff)), three), outside);
        // Congruent to the point at infinity, but not written as it is.
        assert_eq!(as_revm(&point(PRIME, PRIME), three), outside);
        assert_eq!(as_revm(&point(number(1), number(3)), three), off_curve);
        assert_eq!(as_revm(&point(number(0), number(1)), three), off_curve);
        assert_eq!(as_revm(&point(number(1), number(0)), three), off_curve);
    }

    proptest! {
        #[test]
        fn products_are_revm_s_and_those_of_sums(scalars: [[u8; 32]; 3]) {
            let [place, first, second] = scalars.map(B256::new);
            let base = as_revm(&generator(), place).unwrap();
            let [a, b] = [first, second].map(|scalar| as_revm(&base, scalar).unwrap());
            let order = U256::from_be_bytes(ORDER.0);
            let sum = U256::from_be_bytes(first.0).add_mod(U256::from_be_bytes(second.0), order);
            let whole = as_revm(&base, B256::from(sum)).unwrap();
            prop_assert_eq!(DefaultCrypto.bn254_g1_add(&a, &b).unwrap(), whole);
        }

        #[test]
        fn arbitrary_bytes_get_the_answer_that_revm_gives(x: [u8; 32], y: [u8; 32], small: bool, scalar: [u8; 32]) {
            let mut x = B256::new(x);
            x[0] = if small { x[0] & 0x1f } else { x[0] };
            let _ = as_revm(&point(x, B256::new(y)), B256::new(scalar));
        }
    }

    #[test]
    fn the_evm_multiplies_by_it() {
        evm_factory();
        // Nobody else installs one in this program.
        assert_eq!(format!("{:?}", revm::precompile::crypto()), "Arithmetic");
    }
}
