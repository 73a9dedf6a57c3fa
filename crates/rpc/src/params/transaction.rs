//! The transaction object of `eth_call` and `eth_estimateGas`.

use alloy_rpc_types_eth::{TransactionInput, TransactionRequest};

use super::{Param, by_serde};

/// A call, with `input` set where either `input` or its older name `data` was.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CallRequest(pub(crate) Box<TransactionRequest>);

impl Param for CallRequest {
    fn read(json: &str) -> Result<Self, String> {
        if !json.starts_with('{') {
            return Err("expected a transaction object".to_owned());
        }
        let mut request: TransactionRequest = by_serde(json)?;
        // Where both are there the newer name counts, as in Geth.
        request.input =
            request.input.into_input().map_or_else(TransactionInput::default, TransactionInput::new);
        Ok(Self(Box::new(request)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may end by a panic")]
mod tests {
    use alloy_primitives::Bytes;

    use super::*;

    #[test]
    fn input_and_data_are_one_field() {
        let code = Bytes::from_static(&[1, 2]);
        for json in [r#"{"input":"0x0102"}"#, r#"{"data":"0x0102"}"#, r#"{"input":"0x0102","data":"0x0102"}"#]
        {
            let request = CallRequest::read(json).unwrap().0;
            assert_eq!(request.input.input(), Some(&code));
            assert_eq!(request.input.data, None);
        }
        let differ = CallRequest::read(r#"{"input":"0x01","data":"0x02"}"#).unwrap().0;
        assert_eq!(differ.input.input(), Some(&Bytes::from_static(&[1])), "the newer name counts");
    }

    #[test]
    fn nulls_of_clients_that_send_every_field_are_as_if_left_out() {
        let json =
            r#"{"from":null,"to":null,"gas":null,"gasPrice":null,"value":null,"data":null,"nonce":null}"#;
        assert_eq!(*CallRequest::read(json).unwrap().0, TransactionRequest::default());
    }
}
