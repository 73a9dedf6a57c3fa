//! Members, keys, and threshold signatures.
//!
//! The federation's side of agreement (protocol, sections 3 and 7): who the members are, this node's own
//! keys and signer, and the combining of signature shares into certificates.
//!
//! | module | what |
//! |---|---|
//! | [`scheme`] | threshold BLS behind one trait; combining with blame |
//! | [`core`] | the share collector: a synchronous state machine |
//! | [`signer`] | this node's signer with its own rules |
//! | [`identity`], [`member_keys`] | the secret keys of a member |
//! | [`keystore`] | keys at rest (EIP-2335) |
//! | [`dealer`] | a trusted dealer, for development networks only |
//! | [`setup`] | what the child spec keeps: opens the thread, and opens it anew |
//! | [`service`] | what the actor's thread does: one function for each message |
//! | [`actor`] | [`FederationActor`] and its thread |
//!
//! **Invariants.** A certificate that leaves verifies under its epoch's group key. A share counts for a member
//! only where the member's own key signed its envelope. A liar can delay a certificate by one round of checks,
//! and cannot prevent or forge one while `q` members are honest. Secrets are wiped when dropped and
//! appear in no output.
//!
//! **Failure.** Everything here is a value: bad shares are blamed, unknown epochs and slots refused. Only a key
//! set that contradicts itself ends the actor. A panic of its thread loses the shares under way, which the members
//! send again; keys and what the signer remembers are the setup's, and the next thread has them again.
//!
//! # Signing as one
//!
//! ```
//! use alys_federation::{BlsThreshold, DevelopmentDealer, scheme::ThresholdScheme as _};
//! use alys_primitives::{B256, bls::VerifyingKey};
//!
//! // Four members, of whom any three sign as one.
//! let dealt = DevelopmentDealer::from_seed([7; 32]).deal(4)?;
//! let (scheme, root) = (BlsThreshold, B256::repeat_byte(1));
//! let keys = scheme.prepare(&dealt.keys)?;
//! assert_eq!(scheme.quorum(&keys), 3);
//!
//! // Each signs with its share; whoever collects them decodes and combines.
//! let mut shares = Vec::new();
//! for member in [3, 0, 2] {
//!     let share = scheme.sign(&dealt.members[usize::from(member)].share, root)?;
//!     shares.push((member, scheme.decode_share(&share)?));
//! }
//! let shares: Vec<_> = shares.iter().map(|(member, share)| (*member, share)).collect();
//! let signature = scheme.combine(&keys, &shares)?;
//! assert!(scheme.combine(&keys, &shares[..2]).is_err());
//!
//! // Anyone checks it under the group's key: an ordinary BLS signature.
//! VerifyingKey::decode(&dealt.keys.group_key())?.verify(root, &signature)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod actor;
pub mod config;
pub mod core;
pub mod dealer;
mod entropy;
pub mod identity;
pub mod keystore;
pub mod member_keys;
pub mod messages;
mod metrics;
pub mod scheme;
pub mod service;
pub mod setup;
pub mod signer;

pub use actor::{FederationActor, FederationArgs, spawn};
pub use config::FederationConfig;
pub use dealer::DevelopmentDealer;
pub use identity::IdentitySecret;
pub use keystore::{Keystore, KeystoreError, Password};
pub use member_keys::{BitcoinSecret, MemberKeys};
pub use messages::{FederationError, FederationMessage};
pub use scheme::{BlsThreshold, KeySet, SecretShare};
pub use service::{Federation, SetupError};
pub use setup::FederationSetup;
pub use signer::{LocalSigner, SignerMemory};
