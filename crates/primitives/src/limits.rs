//! How long each list may be. SSZ hashes depend on these: a change is a new protocol version.

use ssz_types::typenum::{self, U1, U2, U16, U64};

/// Members of a federation at most, and so the length of every per-member list.
pub const MAX_MEMBERS: usize = 31;

/// At most one: how an optional value stands in SSZ.
pub type MaxOptional = U1;
/// Certificates that justify a parent: one, or two where the parent is a joint block.
pub type MaxJustifications = U2;
/// Bitcoin headers in one body: one difficulty period.
pub type MaxBitcoinHeaders = typenum::Prod<typenum::U1008, U2>;
/// Deposits in one body.
pub type MaxDeposits = typenum::U1024;
/// Outputs credited from one Bitcoin transaction.
pub type MaxOutputs = U64;
/// Payout proposals in one body.
pub type MaxPayouts = U16;
/// Burns that one payout pays.
pub type MaxBurnsPerPayout = typenum::U1024;
/// Settlements in one body.
pub type MaxSettlements = U64;
/// Governance items in one body.
pub type MaxGovernance = U16;
/// Equivocations in one body.
pub type MaxEvidence = U16;
/// Bytes of a Bitcoin transaction: 100,000 virtual bytes, the standard limit, without witness.
pub type MaxTransactionBytes = typenum::U131072;
/// Levels of a Merkle branch.
pub type MaxBranch = typenum::U32;
/// Block hashes in one bundle of merged mining.
pub type MaxBundle = typenum::U65536;
/// Bytes of a governance item's content.
pub type MaxGovernanceBytes = typenum::U65536;
/// Members of a federation.
pub type MaxMemberList = typenum::U31;
/// Execution requests in one block (EIP-7685).
pub type MaxRequests = U16;
/// Bytes of one execution request.
pub type MaxRequestBytes = typenum::U1048576;
/// Accounts in the execution genesis.
pub type MaxGenesisAccounts = typenum::U65536;
/// Storage slots of one account in the execution genesis.
pub type MaxGenesisSlots = typenum::U65536;
/// Bytes of code of one account in the execution genesis (EIP-170).
pub type MaxGenesisCode = typenum::Prod<typenum::U1024, typenum::U24>;
/// Credits waiting in the peg state.
pub type MaxWaitingCredits = typenum::U1048576;
