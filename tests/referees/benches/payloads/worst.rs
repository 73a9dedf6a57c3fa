//! The loops of an attacker: each spends a block's gas on what costs clients most for it.
//!
//! Every iteration works on an input that no block had before, for a client may remember results of precompiles,
//! also from block to block.

use alloy_primitives::{B256, Bytes, U256, hex};
use alloy_signer::SignerSync as _;
use sha2::{Digest as _, Sha256};

use crate::loads::key;

/// Left over by a loop, so that it ends by itself.
const RESERVE: u32 = 200_000;

/// A contract's loop, and the call data that it begins with.
pub(crate) struct Worst {
    pub(crate) name: &'static str,
    /// Run once, before the loop.
    before: Vec<u8>,
    body: Vec<u8>,
    /// In memory from 0 on.
    pub(crate) input: Vec<u8>,
}

impl Worst {
    /// A loop without input.
    fn of(name: &'static str, body: &[u8]) -> Self {
        Self { name, before: Vec::new(), body: body.to_vec(), input: Vec::new() }
    }

    /// A loop that calls the precompile at `address` with all of `input`, changed by `change` each time.
    fn precompile(name: &'static str, address: u8, change: Vec<u8>, input: Vec<u8>) -> Self {
        let body = [change, call(address, 0, input.len(), 0, 0)].concat();
        Self { name, before: Vec::new(), body, input }
    }

    /// Call data into memory, then the body again and again while gas is left.
    pub(crate) fn code(&self) -> Bytes {
        // CALLDATASIZE, PUSH1 0, PUSH1 0, CALLDATACOPY
        let mut code = hex!("36 6000 6000 37").to_vec();
        code.extend(&self.before);
        let start = u8::try_from(code.len()).unwrap();
        code.push(0x5b);
        code.extend(&self.body);
        // PUSH3 reserve, GAS, GT, PUSH1 start, JUMPI, STOP
        code.push(0x62);
        code.extend(&RESERVE.to_be_bytes()[1..]);
        code.extend([0x5a, 0x11, 0x60, start, 0x57, 0x00]);
        code.into()
    }
}

pub(crate) fn all() -> Vec<Worst> {
    let mut all = plain();
    all.extend(hashes());
    all.extend(curves());
    all
}

/// Opcodes.
fn plain() -> Vec<Worst> {
    vec![
        // PUSH2 0x4000, PUSH1 0, KECCAK256, POP
        Worst::of("KECCAK256 of 16 KB", &hex!("614000 6000 20 50")),
        // GAS, GAS, SSTORE: a fresh slot each
        Worst::of("SSTORE to fresh slots", &hex!("5a 5a 55")),
        // GAS, SLOAD, POP
        Worst::of("SLOAD of cold slots", &hex!("5a 54 50")),
        // GAS, GAS, TSTORE, GAS, TLOAD, POP
        Worst::of("TSTORE and TLOAD", &hex!("5a 5a 5d 5a 5c 50")),
        // hash of GAS as an address: cold and absent
        Worst::of("BALANCE of cold accounts", &hex!("5a 6000 52 6020 6000 20 31 50")),
        // one wei to an account that this makes: PUSH1 0 four times, PUSH1 1, the address, GAS, CALL, POP
        Worst::of(
            "CALL that makes accounts",
            &hex!("5a 6000 52 6000 6000 6000 6000 6001 6020 6000 20 5a f1 50"),
        ),
        // PUSH2 0xc000, PUSH1 0, PUSH1 0, CREATE, POP: zeros end at once, and have to be looked through
        Worst::of("CREATE with 48 KB", &hex!("61c000 6000 6000 f0 50")),
        // PUSH32 twice, EXP with a full exponent, POP
        Worst::of(
            "EXP with 32-byte exponents",
            &[&[0x7f][..], &[0xff; 32], &[0x7f], &[0xfd; 32], &hex!("0a 50")].concat(),
        ),
        // GAS, DUP1 twice, MULMOD, POP; ten times in a row
        Worst::of("MULMOD", &hex!("5a 80 80 09 50").repeat(10)),
        // a full product by a full modulus: PUSH32 twice, DUP2, MULMOD, POP
        Worst::of(
            "MULMOD of full words",
            &[&[0x7f][..], &[0xfb; 32], &[0x7f], &[0xf1; 32], &hex!("81 09 50")].concat().repeat(3),
        ),
        // MCOPY of 16 KB onto itself
        Worst::of("MCOPY of 16 KB", &hex!("614000 6000 6000 5e")),
        // LOG0 of 4 KB
        Worst::of("LOG0 of 4 KB", &hex!("611000 6000 a0")),
    ]
}

/// Precompiles over bytes and numbers.
fn hashes() -> Vec<Worst> {
    let kilobytes = || vec![0x5a; 16 << 10];
    vec![
        Worst::precompile("SHA-256 of 16 KB", 2, fresh(0), kilobytes()),
        Worst::precompile("RIPEMD-160 of 16 KB", 3, fresh(0), kilobytes()),
        Worst::precompile("IDENTITY of 16 KB", 4, fresh(0), kilobytes()),
        Worst::precompile("ECRECOVER", 1, fresh(0), ecrecover()),
        Worst::precompile("MODEXP of 32 bytes", 5, fresh(96), modexp(32, 32, 1)),
        Worst::precompile("MODEXP of 256 bytes", 5, fresh(96), modexp(256, 256, 1)),
        Worst::precompile("MODEXP of 256 bytes, even", 5, fresh(96), modexp(256, 256, 0)),
        Worst::precompile("MODEXP of 1,024 bytes", 5, fresh(96), modexp(1024, 3, 1)),
        Worst::precompile("BLAKE2F, 100,000 rounds", 9, fresh(4), blake2f()),
    ]
}

/// Precompiles over curves.
fn curves() -> Vec<Worst> {
    let scalar = [0; 32];
    let sum = [&BN_G1[..], &BN_G1].concat();
    let pair = [&BN_G1[..], &BN_G2].concat();
    let (g1, g2) = (padded(&BLS_G1), padded(&BLS_G2));
    let bls_pair = [&g1[..], &g2].concat();
    let after = pair.len() * 2;
    let after_bls = bls_pair.len() * 2;
    vec![
        // P = k·G once, with k of this block; then P = P + G.
        Worst {
            name: "BN254 addition",
            before: [fresh(192), hash(192), call(7, 128, 96, 0, 64)].concat(),
            body: call(6, 0, 128, 0, 64),
            input: [&sum[..], &BN_G1, &scalar].concat(),
        },
        Worst::precompile(
            "BN254 multiplication",
            7,
            [fresh(64), hash(64)].concat(),
            [&BN_G1[..], &scalar].concat(),
        ),
        // The first point of two pairs is another multiple each time.
        Worst {
            name: "BN254 pairing of two",
            before: Vec::new(),
            body: [fresh(after + 64), hash(after + 64), call(7, after, 96, 0, 64), call(8, 0, after, 0, 0)]
                .concat(),
            input: [&pair[..], &pair, &BN_G1, &scalar].concat(),
        },
        Worst::precompile(
            "point evaluation",
            10,
            [fresh(32), hash(32), below_the_order(32)].concat(),
            evaluation(),
        ),
        Worst {
            name: "BLS12-381 G1 addition",
            before: [fresh(256 + 128), hash(256 + 128), call(12, 256, 160, 0, 128)].concat(),
            body: call(11, 0, 256, 0, 128),
            input: [&g1[..], &g1, &g1, &scalar].concat(),
        },
        Worst::precompile(
            "BLS12-381 G1 multiplication",
            12,
            [fresh(128), hash(128)].concat(),
            [&g1[..], &scalar].concat(),
        ),
        Worst {
            name: "BLS12-381 G2 addition",
            before: [fresh(512 + 256), hash(512 + 256), call(14, 512, 288, 0, 256)].concat(),
            body: call(13, 0, 512, 0, 256),
            input: [&g2[..], &g2, &g2, &scalar].concat(),
        },
        Worst::precompile(
            "BLS12-381 G2 multiplication",
            14,
            [fresh(256), hash(256)].concat(),
            [&g2[..], &scalar].concat(),
        ),
        Worst::precompile("BLS12-381 G1 sum of 64", 12, [fresh(128), hash(128)].concat(), many(&g1, 64)),
        Worst {
            name: "BLS12-381 pairing of two",
            before: Vec::new(),
            body: [
                fresh(after_bls + 128),
                hash(after_bls + 128),
                call(12, after_bls, 160, 0, 128),
                call(15, 0, after_bls, 0, 0),
            ]
            .concat(),
            input: [&bls_pair[..], &bls_pair, &g1, &scalar].concat(),
        },
        Worst::precompile("BLS12-381 map to G1", 16, [fresh(32), hash(32)].concat(), vec![0; 64]),
        Worst::precompile("BLS12-381 map to G2", 17, [fresh(32), hash(32)].concat(), vec![0; 128]),
    ]
}

/// A word that was never there before, at `at`: NUMBER, PUSH1 64, SHL, GAS, OR, PUSH2 at, MSTORE.
fn fresh(at: usize) -> Vec<u8> {
    [&hex!("43 6040 1b 5a 17")[..], &push2(at), &[0x52]].concat()
}

/// The word at `at` becomes its hash: PUSH1 32, PUSH2 at, KECCAK256, PUSH2 at, MSTORE.
fn hash(at: usize) -> Vec<u8> {
    [&hex!("6020")[..], &push2(at), &[0x20], &push2(at), &[0x52]].concat()
}

/// The word at `at` loses its highest byte: PUSH2 at, MLOAD, PUSH1 8, SHR, PUSH2 at, MSTORE.
fn below_the_order(at: usize) -> Vec<u8> {
    [&push2(at)[..], &hex!("51 6008 1c"), &push2(at), &[0x52]].concat()
}

/// Calls a precompile with `size` bytes from `from` on, and puts `out_size` of its answer to `out`; POP.
fn call(address: u8, from: usize, size: usize, out: usize, out_size: usize) -> Vec<u8> {
    [
        &push2(out_size)[..],
        &push2(out),
        &push2(size),
        &push2(from),
        // PUSH1 address, GAS, STATICCALL, POP
        &[0x60, address, 0x5a, 0xfa, 0x50],
    ]
    .concat()
}

fn push2(value: usize) -> [u8; 3] {
    let [high, low] = u16::try_from(value).unwrap().to_be_bytes();
    [0x61, high, low]
}

/// A signature that recovers: hash, v, r, s. It stays one whatever the hash is.
fn ecrecover() -> Vec<u8> {
    let hash = B256::repeat_byte(7);
    let signature = key(1).sign_hash_sync(&hash).unwrap();
    let v = U256::from(27 + u64::from(signature.v()));
    [hash.0, v.to_be_bytes(), signature.r().to_be_bytes(), signature.s().to_be_bytes()].concat()
}

/// Base and modulus of `size` bytes, an exponent of `exponent` (EIP-198); the modulus is odd with `odd` 1.
fn modexp(size: usize, exponent: usize, odd: u8) -> Vec<u8> {
    let length = |bytes: usize| B256::from(U256::from(bytes)).0;
    let mut input = [length(size), length(exponent), length(size)].concat();
    input.extend(std::iter::repeat_n(0xfe, size));
    input.extend(std::iter::repeat_n(0xff, exponent + size - 1));
    input.push(0xfe | odd);
    input
}

/// 100,000 rounds on an arbitrary state (EIP-152).
fn blake2f() -> Vec<u8> {
    let mut input = 100_000_u32.to_be_bytes().to_vec();
    input.extend([0x5a; 208]);
    input.push(1);
    input
}

/// The constant 1 as a polynomial has this value everywhere: hash, place, value, commitment, proof (EIP-4844).
fn evaluation() -> Vec<u8> {
    let mut commitment = BLS_G1[..48].to_vec();
    commitment[0] |= 0x80;
    let mut versioned: [u8; 32] = Sha256::digest(&commitment).into();
    versioned[0] = 1;
    let mut proof = [0; 48];
    proof[0] = 0xc0;
    [&versioned[..], &[0; 32], &B256::with_last_byte(1).0, &commitment, &proof].concat()
}

/// So many times the point, each with another scalar.
fn many(point: &[u8], count: u8) -> Vec<u8> {
    (1..=count).flat_map(|index| [point, &[index.wrapping_mul(3) | 1; 32]].concat()).collect()
}

/// Coordinates of 48 bytes as EIP-2537 wants them: 64 bytes each.
fn padded(coordinates: &[u8]) -> Vec<u8> {
    coordinates.chunks(48).flat_map(|coordinate| [&[0; 16][..], coordinate].concat()).collect()
}

/// The generator (EIP-196): x, y.
const BN_G1: [u8; 64] = hex!(
    "0000000000000000000000000000000000000000000000000000000000000001"
    "0000000000000000000000000000000000000000000000000000000000000002"
);

/// The generator (EIP-197), imaginary parts first.
const BN_G2: [u8; 128] = hex!(
    "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
    "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
    "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
    "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
);

/// The generator (EIP-2537): x, y.
const BLS_G1: [u8; 96] = hex!(
    "17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
    "08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1"
);

/// The generator (EIP-2537), real parts first.
const BLS_G2: [u8; 192] = hex!(
    "024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
    "13e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
    "0ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801"
    "0606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be"
);
