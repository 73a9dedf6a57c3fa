//! A real Reth, where somebody names one: Alys does not install it.

use crate::remote::geth::failures;
use crate::remote::real::Kind;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reth_keeps_the_contract_of_engines() {
    if Kind::Reth.is_here() {
        assert_eq!(failures(Kind::Reth).await, Vec::<String>::new());
    }
}
