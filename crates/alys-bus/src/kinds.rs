//! What makes an enum a protocol: the actor it belongs to, and a number for each kind of message.

/// The public messages of one actor.
///
/// Data only: an enum whose variants hold a [`Reply`](crate::Reply) where an answer is owed. The bus
/// needs no more than the actor's name and a dense number per variant, to label its metrics and spans.
/// Derive it with [`protocol_kinds!`](crate::protocol_kinds).
pub trait Protocol: Send + Sized + 'static {
    /// The name of the actor in errors, spans and metrics, e.g. `storage`.
    const ACTOR: &'static str;
    /// The names of the variants, by [`kind`](Protocol::kind).
    const KINDS: &'static [&'static str];

    /// The index of this message's variant in [`KINDS`](Protocol::KINDS).
    fn kind(&self) -> usize;

    /// The name of this message's variant.
    fn kind_name(&self) -> &'static str {
        Self::KINDS.get(self.kind()).copied().unwrap_or("unknown")
    }
}

/// Implements [`Protocol`] for an enum from the list of its variants, whatever they hold.
///
/// A variant missing from the list does not compile, so the list cannot fall behind the enum.
///
/// ```
/// use alys_bus::{Protocol, Reply, protocol_kinds};
///
/// enum LedgerMessage {
///     Credit { amount: u64, reply: Reply<u64, String> },
///     Forget,
/// }
/// protocol_kinds!(LedgerMessage, "ledger", [Credit, Forget]);
///
/// assert_eq!(LedgerMessage::Forget.kind_name(), "Forget");
/// assert_eq!(LedgerMessage::ACTOR, "ledger");
/// ```
#[macro_export]
macro_rules! protocol_kinds {
    ($message:ty, $actor:literal, [$($variant:ident),+ $(,)?]) => {
        impl $crate::Protocol for $message {
            const ACTOR: &'static str = $actor;
            const KINDS: &'static [&'static str] = &[$(stringify!($variant)),+];

            fn kind(&self) -> usize {
                enum Index { $($variant),+ }
                match self { $(Self::$variant { .. } => Index::$variant as usize),+ }
            }
        }
    };
}
