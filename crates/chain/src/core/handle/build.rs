//! The own block on its way: payload under construction, payload ready, envelope signed.

use std::sync::Arc;

use alys_bus::protocol::engine::{PayloadId, SealedPayload};
use alys_primitives::{Block, Bytes, Header, IdentitySignature, SignedProposal, block::RequestBytes};
use ssz_types::VariableList;

use crate::core::{
    Core,
    backoff::Retry,
    draft::{Draft, Stage},
    effect::{DraftId, Effect, Effects},
    follow::SUSPICIOUS,
    input::{Failure, Outcome},
};

/// How often the signer is asked for one envelope.
const SIGNER_TRIES: u32 = 5;

/// The draft that an answer belongs to, if it is still the one at hand.
fn current(core: &mut Core, id: DraftId) -> Option<&mut Draft> {
    core.draft.as_mut().filter(|draft| draft.id == id)
}

/// The engine is building, or could not begin.
pub(crate) fn building(core: &mut Core, now_ms: u64, id: DraftId, result: Outcome<PayloadId>) {
    match result {
        Ok(payload) => {
            if let Some(draft) = current(core, id) {
                draft.stage = Stage::Building(payload);
            }
        }
        Err(failure) => failed(core, now_ms, id, failure),
    }
}

/// The payload is there: the header can be made and signed. No execution is needed for that, since
/// `peg_root` covers the parent's payload only.
pub(crate) fn sealed(
    core: &mut Core,
    now_ms: u64,
    id: DraftId,
    result: Outcome<Box<SealedPayload>>,
    fx: &mut Effects,
) {
    let payload = match result {
        Ok(payload) => payload,
        Err(failure) => return failed(core, now_ms, id, failure),
    };
    let Some(draft) = current(core, id) else { return };
    draft.stage = match assemble(draft, *payload) {
        Ok(block) => {
            let header = Box::new(block.header.clone());
            fx.push(Effect::SignProposal { draft: id, header });
            Stage::Signing(Box::new(block))
        }
        Err(reason) => Stage::Dropped(reason),
    };
}

fn assemble(draft: &Draft, sealed: SealedPayload) -> Result<Block, String> {
    let Some(expected) = &draft.expected else { return Err("the rules allow no block".to_owned()) };
    expected.payload.check(&sealed.payload).map_err(|error| format!("the payload built: {error}"))?;
    let requests: Option<Vec<RequestBytes>> = sealed.requests.iter().map(request).collect();
    let requests = requests.and_then(|requests| VariableList::new(requests).ok());
    let Some(execution_requests) = requests else {
        return Err("the payload built has more execution requests than a block may carry".to_owned());
    };
    let header = Header {
        payload_hash: sealed.payload.payload_inner.payload_inner.block_hash,
        body_root: draft.body.root(),
        ..expected.header.clone()
    };
    Ok(Block { header, body: draft.body.clone(), payload: sealed.payload, execution_requests })
}

fn request(bytes: &Bytes) -> Option<RequestBytes> {
    VariableList::new(bytes.to_vec()).ok()
}

/// The envelope is signed: from here the own block goes the way of every proposal. It is promised and
/// published when it is durable.
pub(crate) fn proposal_signed(
    core: &mut Core,
    id: DraftId,
    result: Outcome<IdentitySignature>,
    fx: &mut Effects,
) {
    let slot = core.slot;
    let Some(draft) = current(core, id) else { return };
    let Stage::Signing(block) = &draft.stage else { return };
    match result {
        Ok(signature) => {
            let proposal = Arc::new(SignedProposal { block: (**block).clone(), signature });
            let hash = proposal.block.hash();
            draft.stage = Stage::Storing { hash, proposal: Arc::clone(&proposal) };
            core.proposals.see(hash, &proposal);
            if core.proposals.begin_check(hash, (Arc::clone(&proposal), None)) {
                fx.push(Effect::CheckCopy { proposal, source: None });
            }
        }
        Err(failure) if failure.transient && draft.failures < SIGNER_TRIES && slot <= draft.slot => {
            // The same header again: another one in this slot would be refused.
            draft.failures += 1;
            fx.push(Effect::SignProposal { draft: id, header: Box::new(block.header.clone()) });
        }
        Err(failure) => draft.stage = Stage::Dropped(format!("the signer: {failure}")),
    }
}

/// The engine could not build now: it is asked anew, from the beginning.
fn failed(core: &mut Core, now_ms: u64, id: DraftId, failure: Failure) {
    let backoff = core.setup.policy.retry;
    let Some(draft) = current(core, id) else { return };
    draft.failures = draft.failures.saturating_add(1);
    let at = backoff.next(now_ms, draft.failures);
    let failures = draft.failures;
    draft.stage = Stage::Failed(Retry { at, failures }, failure.what);
    // It may have lost the parent, which it had executed.
    if failures >= SUSPICIOUS {
        core.follow.lose(now_ms);
    }
}
