//! One public contract suite per protocol: what any actor that takes the slot must do.
//!
//! A suite sees messages and nothing else. Each of its tests is a sentence of the protocol's own
//! documentation. Ours pass them, and so must whatever is put in their place:
//!
//! ```ignore
//! // tests/contract.rs; the crate needs tokio with `macros` and `rt-multi-thread`
//! alys_testkit::storage_contract!(MyStorage::start);
//! ```
//!
//! The argument is a function that starts an actor with nothing in it and answers with a [`Subject`].
//! The macro makes one `#[tokio::test]` of each sentence; `run` of each module runs all of them where
//! there is no test harness, as in a program.
//!
//! | suite | protocol |
//! |---|---|
//! | [`storage`], [`storage_contract!`](crate::storage_contract) | [`StorageMessage`](alys_bus::protocol::StorageMessage) |
//! | [`engine`], [`engine_contract!`](crate::engine_contract) | [`EngineMessage`](alys_bus::protocol::EngineMessage) |
//! | [`federation`], [`federation_contract!`](crate::federation_contract) | [`FederationMessage`](alys_bus::protocol::FederationMessage) |

use std::future::Future;

use alys_bus::{Address, AskError};
use futures::FutureExt as _;

pub mod engine;
pub mod federation;
pub mod storage;

/// An actor under a contract suite. Ends when dropped.
pub trait Subject<M>: Send {
    /// Where it is reached.
    fn address(&self) -> Address<M>;

    /// Kills the actor and starts it again behind the same address, over the same data, as the
    /// supervisor would after a failure.
    fn restart(&mut self) -> impl Future<Output = ()> + Send;
}

/// The answer, where nothing but an answer will do.
#[track_caller]
fn answered<T, E: std::error::Error>(outcome: Result<T, AskError<E>>) -> T {
    match outcome {
        Ok(answer) => answer,
        Err(error) => panic!("must be answered, and is refused: {error}"),
    }
}

/// The actor's own refusal, where nothing else will do.
#[track_caller]
fn refusal<T, E: std::error::Error>(outcome: Result<T, AskError<E>>) -> E {
    match outcome {
        Err(AskError::Actor(error)) => error,
        Err(error) => panic!("must be refused by the actor, and ends on the way: {error}"),
        Ok(_) => panic!("must be refused, and is answered"),
    }
}

/// The answer to a message that an actor need not support.
#[track_caller]
fn supported<T, E: std::error::Error>(outcome: Result<T, AskError<E>>) -> Option<T> {
    match outcome {
        Err(AskError::Unsupported(_)) => None,
        outcome => Some(answered(outcome)),
    }
}

/// What a panicking sentence said.
async fn caught(sentence: impl Future<Output = ()>) -> Result<(), String> {
    let outcome = std::panic::AssertUnwindSafe(sentence).catch_unwind().await;
    outcome.map_err(|panic| match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => {
            panic.downcast::<&str>().map_or_else(|_| "it panicked".to_owned(), |text| (*text).to_owned())
        }
    })
}

/// One `#[tokio::test]` for each sentence of a suite.
#[doc(hidden)]
#[macro_export]
macro_rules! __contract_tests {
    ($suite:ident, ($make:expr), $($sentence:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $sentence() {
                $crate::contract::$suite::$sentence(($make)().await).await;
            }
        )*
    };
}

/// The function that runs all sentences of a suite, one after the other.
#[doc(hidden)]
#[macro_export]
macro_rules! __contract_run {
    ($suite:ident, ($subject:path), $($sentence:ident,)*) => {
        /// Runs every sentence on an actor of its own, prints each before, and answers how many there
        /// are. For programs; tests use the macro.
        ///
        /// # Panics
        /// At the first sentence that does not hold.
        pub async fn run<S: $subject>(make: impl AsyncFn() -> S) -> usize {
            let mut held = 0;
            $(
                println!("{}: {}", stringify!($suite), stringify!($sentence).replace('_', " "));
                $sentence(make().await).await;
                held += 1;
            )*
            held
        }

        /// Examines every sentence, in order, and tells of each whether it holds, or why it does not.
        /// How many were examined, and how many did not hold. For programs that examine what is not
        /// theirs: they go on after a failure.
        pub async fn examine<S: $subject>(
            make: impl AsyncFn() -> S,
            mut tell: impl FnMut(&str, Result<(), &str>),
        ) -> (usize, usize) {
            let (mut examined, mut failed) = (0, 0);
            $(
                let sentence = stringify!($sentence).replace('_', " ");
                let outcome = $crate::contract::caught(async { $sentence(make().await).await }).await;
                tell(&sentence, outcome.as_ref().map(|()| ()).map_err(String::as_str));
                examined += 1;
                failed += usize::from(outcome.is_err());
            )*
            (examined, failed)
        }
    };
}
