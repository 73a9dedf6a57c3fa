//! Refusals as Geth words them.

use alloy_consensus::{Signed, TxLegacy};
use alloy_primitives::{Signature, TxKind, address};

use super::*;

fn legacy(chain_id: Option<u64>) -> Transaction {
    let tx = TxLegacy {
        chain_id,
        nonce: 4,
        gas_price: 7,
        gas_limit: 21_000,
        to: TxKind::Call(address!("00000000000000000000000000000000000000aa")),
        value: U256::from(9),
        input: Bytes::new(),
    };
    Transaction::Legacy(Signed::new_unhashed(tx, Signature::test_signature()))
}

fn refused(message: &str) -> TransactionRefusal {
    let error = RpcError { code: -32000, message: message.into(), data: None };
    transaction(&error, &legacy(Some(1)))
}

fn encoded(transaction: &Transaction) -> Bytes {
    alloy_eips::Encodable2718::encoded_2718(transaction).into()
}

#[test]
fn each_wording_of_geth_has_its_refusal_with_the_numbers_in_it() {
    use TransactionRefusal as R;
    let (balance, cost) = (U256::from(5), U256::from(26));
    for (text, expected) in [
        ("already known", R::AlreadyKnown),
        ("replacement transaction underpriced", R::ReplacementUnderpriced),
        ("nonce too low: next nonce 9, tx nonce 4", R::NonceTooLow { next: 9, nonce: 4 }),
        (
            "insufficient funds for gas * price + value: balance 5, tx cost 26, overshot 21",
            R::InsufficientFunds { balance, cost },
        ),
        (
            "intrinsic gas too low: gas 21000, minimum needed 53000",
            R::IntrinsicGas { gas: 21_000, needed: 53_000 },
        ),
        ("transaction underpriced: tip needed 1, tip permitted 0", R::Underpriced { tip: 7, needed: 1 }),
        ("txpool is full", R::PoolFull),
        ("something new", R::Invalid("something new".into())),
    ] {
        assert_eq!(refused(text), expected, "{text}");
    }
}

#[test]
fn a_wording_without_its_numbers_is_the_same_refusal() {
    assert_eq!(refused("nonce too low"), TransactionRefusal::NonceTooLow { next: 0, nonce: 4 });
    let cost = U256::from(21_000 * 7 + 9);
    let expected = TransactionRefusal::InsufficientFunds { balance: U256::ZERO, cost };
    assert_eq!(refused("insufficient funds for gas * price + value"), expected);
}

#[test]
fn what_the_transaction_alone_shows_is_found_without_asking() {
    let other = examine(&encoded(&legacy(Some(1))), 4242);
    assert_eq!(other.unwrap_err(), TransactionRefusal::WrongChain { have: Some(1), want: 4242 });
    let none = examine(&encoded(&legacy(None)), 4242);
    assert_eq!(none.unwrap_err(), TransactionRefusal::WrongChain { have: None, want: 4242 });
    assert_eq!(examine(&Bytes::from_static(&[3, 1]), 1).unwrap_err(), TransactionRefusal::TypeNotSupported);
    for raw in [&b""[..], &b"\x02nothing"[..]] {
        let refused = examine(&Bytes::copy_from_slice(raw), 1).unwrap_err();
        assert!(matches!(refused, TransactionRefusal::Malformed(_)), "{refused}");
    }
}

#[test]
fn a_revert_brings_its_data_and_its_reason() {
    let error = |code, message: &str, data: Option<&str>| RpcError {
        code,
        message: message.into(),
        data: data.map(str::to_owned),
    };
    let reverted = query(error(3, "execution reverted: too late", Some("\"0x6e6f\"")));
    let reason = Some("too late".to_owned());
    assert_eq!(reverted, QueryError::Reverted { output: Bytes::from_static(b"no"), reason });
    let bare = query(error(-32000, "execution reverted", None));
    assert_eq!(bare, QueryError::Reverted { output: Bytes::new(), reason: None });
    let other = query(error(-32000, "out of gas", Some("{\"a\":1}")));
    let expected =
        QueryError::Client { code: -32000, message: "out of gas".into(), data: Some("{\"a\":1}".into()) };
    assert_eq!(other, expected);
}

#[test]
fn only_a_missing_block_is_taken_for_one() {
    let says = |message: &str| is_no_block(&RpcError { code: -32000, message: message.into(), data: None });
    assert!(says("header not found") && says("header for hash not found") && says("unknown block"));
    assert!(
        !says("transaction not found") && !says("execution reverted") && !says("exceeds block gas limit")
    );
}
