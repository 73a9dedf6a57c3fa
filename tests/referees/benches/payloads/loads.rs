//! Full blocks: what people send, and what an attacker would.

use std::collections::BTreeMap;

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_genesis::{Genesis, GenesisAccount};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex, keccak256};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use alys_referees::genesis::{self, CHAIN_ID, GAS_LIMIT};

/// Accounts that send transfers.
const SENDERS: u64 = 1_500;
const TOKEN: Address = Address::repeat_byte(0x70);
const WORST: Address = Address::repeat_byte(0x90);
/// Left over by a loop, so that it ends by itself.
const RESERVE: u16 = 40_000;

/// One kind of full blocks.
pub(crate) struct Load {
    pub(crate) name: &'static str,
    kind: Kind,
}

enum Kind {
    Transfers,
    Erc20,
    /// One transaction that repeats `body` until its gas is used up, with `input` in memory from 0 on.
    Loop {
        body: Vec<u8>,
        input: Vec<u8>,
    },
}

pub(crate) fn all() -> Vec<Load> {
    let repeat =
        |name, body: &[u8], input: Vec<u8>| Load { name, kind: Kind::Loop { body: body.to_vec(), input } };
    // NUMBER, PUSH1 64, SHL, GAS, OR, PUSH1 at, MSTORE: another input each time and in each block, for a
    // client may remember results.
    // PUSH1 0, PUSH1 0, CALLDATASIZE, PUSH1 0, PUSH1 precompile, GAS, STATICCALL, POP
    let precompile = |number: u8, at: u8| {
        let call = hex!("6000 6000 36 6000 60");
        [&hex!("43 6040 1b 5a 17")[..], &[0x60, at, 0x52], &call, &[number], &hex!("5a fa 50")].concat()
    };
    vec![
        Load { name: "transfers to new accounts", kind: Kind::Transfers },
        Load { name: "ERC-20 transfers to new holders", kind: Kind::Erc20 },
        // PUSH2 0x4000, PUSH1 0, KECCAK256, POP
        repeat("KECCAK256 of 16 KB", &hex!("614000 6000 20 50"), Vec::new()),
        // GAS, GAS, SSTORE: a fresh slot each
        repeat("SSTORE to fresh slots", &hex!("5a 5a 55"), Vec::new()),
        // GAS, SLOAD, POP
        repeat("SLOAD of cold slots", &hex!("5a 54 50"), Vec::new()),
        // hash of GAS as an address: cold and absent
        repeat("BALANCE of cold accounts", &hex!("5a 6000 52 6020 6000 20 31 50"), Vec::new()),
        // PUSH32 twice, EXP with a full exponent, POP
        repeat(
            "EXP with 32-byte exponents",
            &[&[0x7f][..], &[0xff; 32], &[0x7f], &[0xfd; 32], &hex!("0a 50")].concat(),
            Vec::new(),
        ),
        // DUP1 of GAS three times, MULMOD, POP; ten times in a row
        repeat("MULMOD", &hex!("5a 80 80 09 50").repeat(10), Vec::new()),
        // MCOPY of 16 KB onto itself
        repeat("MCOPY of 16 KB", &hex!("614000 6000 6000 5e"), Vec::new()),
        // The hash, the base, the state: each stays valid whatever it is.
        repeat("ECRECOVER", &precompile(1, 0), ecrecover()),
        repeat("MODEXP of 256 bytes", &precompile(5, 96), modexp()),
        repeat("BLAKE2F, 100,000 rounds", &precompile(9, 4), blake2f()),
        // LOG0 of 4 KB
        repeat("LOG0 of 4 KB", &hex!("611000 6000 a0"), Vec::new()),
    ]
}

impl Load {
    /// The chain that the blocks are for.
    pub(crate) fn genesis(&self) -> Genesis {
        let keys = genesis::keys().unwrap();
        let mut genesis = genesis::genesis(&keys);
        let rich = GenesisAccount::default().with_balance(U256::from(10).pow(U256::from(24)));
        genesis.alloc.extend((0..SENDERS).map(|index| (key(index).address(), rich.clone())));
        match &self.kind {
            Kind::Transfers => {}
            Kind::Erc20 => {
                let balances: BTreeMap<_, _> = (0..SENDERS)
                    .map(|i| (balance_slot(key(i).address()), B256::with_last_byte(200)))
                    .collect();
                let token = GenesisAccount::default().with_nonce(Some(1)).with_code(Some(token_code()));
                genesis.alloc.insert(TOKEN, token.with_storage(Some(balances)));
            }
            Kind::Loop { body, .. } => {
                let code = looping(body);
                let contract = GenesisAccount::default().with_nonce(Some(1)).with_code(Some(code));
                genesis.alloc.insert(WORST, contract);
            }
        }
        genesis
    }

    /// The transactions of one block, which fill it.
    pub(crate) fn block(&self, index: usize) -> Vec<Bytes> {
        let nonce = index as u64;
        let receiver =
            |sender: u64| Address::from_word(keccak256([nonce, sender].map(u64::to_be_bytes).concat()));
        match &self.kind {
            Kind::Transfers => (0..GAS_LIMIT / 21_000)
                .map(|sender| sign(sender, nonce, receiver(sender), 1, Bytes::new(), 21_000))
                .collect(),
            Kind::Erc20 => (0..GAS_LIMIT / 52_000)
                .map(|sender| sign(sender, nonce, TOKEN, 0, transfer_call(receiver(sender)), 60_000))
                .collect(),
            Kind::Loop { input, .. } => vec![sign(0, nonce, WORST, 0, input.clone().into(), GAS_LIMIT)],
        }
    }
}

fn key(index: u64) -> PrivateKeySigner {
    let mut secret = keccak256(index.to_be_bytes());
    secret.0[0] = 1;
    PrivateKeySigner::from_bytes(&secret).unwrap()
}

fn sign(sender: u64, nonce: u64, to: Address, value: u64, input: Bytes, gas_limit: u64) -> Bytes {
    let tx = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(to),
        value: U256::from(value),
        access_list: Default::default(),
        input,
    };
    let signature = key(sender).sign_hash_sync(&tx.signature_hash()).unwrap();
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
}

/// Call data into memory, then the body again and again while gas is left.
fn looping(body: &[u8]) -> Bytes {
    // CALLDATASIZE, PUSH1 0, PUSH1 0, CALLDATACOPY, JUMPDEST (at 6)
    let mut code = hex!("36 6000 6000 37 5b").to_vec();
    code.extend(body);
    // PUSH2 reserve, GAS, GT, PUSH1 6, JUMPI, STOP
    code.push(0x61);
    code.extend(RESERVE.to_be_bytes());
    code.extend(hex!("5a 11 6006 57 00"));
    code.into()
}

/// A signature that recovers: hash, v, r, s.
fn ecrecover() -> Vec<u8> {
    let hash = B256::repeat_byte(7);
    let signature = key(1).sign_hash_sync(&hash).unwrap();
    let v = U256::from(27 + u64::from(signature.v()));
    [hash.0, v.to_be_bytes(), signature.r().to_be_bytes(), signature.s().to_be_bytes()].concat()
}

/// Base, exponent and an odd modulus of 256 bytes each (EIP-198).
fn modexp() -> Vec<u8> {
    let length = B256::from(U256::from(256));
    let mut input = [length.0, length.0, length.0].concat();
    input.extend([0xfe; 256]);
    input.extend([0xff; 512]);
    input
}

/// 100,000 rounds on an arbitrary state (EIP-152).
fn blake2f() -> Vec<u8> {
    let mut input = 100_000_u32.to_be_bytes().to_vec();
    input.extend([0x5a; 208]);
    input.push(1);
    input
}

/// `mapping(address => uint256)` at slot 0.
fn balance_slot(owner: Address) -> B256 {
    keccak256([owner.into_word().as_slice(), B256::ZERO.as_slice()].concat())
}

fn transfer_call(to: Address) -> Bytes {
    let amount = B256::with_last_byte(1);
    [&hex!("a9059cbb")[..], to.into_word().as_slice(), amount.as_slice()].concat().into()
}

/// A token's `transfer`, by hand: balances in a mapping, a check, the event, `true`.
fn token_code() -> Bytes {
    let event = keccak256("Transfer(address,address,uint256)");
    let mut code = hex!("602435 33600052 6040600020 80 54 82 81 10").to_vec();
    code.extend(hex!("60 00 57")); // JUMPI to the revert; its place is filled in below
    let fail_at = code.len() - 2;
    code.extend(hex!("82 90 03 90 55"));
    code.extend(hex!("600435 600052 6040600020 80 54 82 01 90 55"));
    code.extend(hex!("80 600052 600435 33 7f"));
    code.extend(event.as_slice());
    code.extend(hex!("6020 6000 a3 6001 600052 6020 6000 f3"));
    code[fail_at] = u8::try_from(code.len()).unwrap();
    code.extend(hex!("5b 6000 6000 fd"));
    code.into()
}
