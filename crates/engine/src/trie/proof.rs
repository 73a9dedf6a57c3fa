//! Reading the nodes that prove a key.

use alloy_primitives::{B256, Bytes};
use nybbles::Nibbles;

use super::NodeSource;
use super::node::{Child, Node};
use crate::error::StateError;

/// The RLP of the nodes from the root towards `key`, as EIP-1186 wants them: they prove the value,
/// or that there is none. An empty trie has an empty proof.
///
/// # Errors
/// [`StateError::MissingNode`] or [`StateError::BadNode`] where the stored trie has a hole or
/// damage; whatever `source` reports.
pub fn prove<S: NodeSource>(source: &S, key: B256) -> Result<Vec<Bytes>, StateError> {
    let key = Nibbles::unpack_array(&key.0);
    let mut path = Nibbles::new();
    let mut proof = Vec::new();
    let Some(mut rlp) = source.node(&path)? else {
        return Ok(proof);
    };
    loop {
        let node = Node::decode(&rlp).map_err(|reason| StateError::BadNode {
            owner: source.owner(),
            path,
            reason,
        })?;
        proof.push(rlp);
        let child = match node {
            Node::Leaf(..) => return Ok(proof),
            Node::Extension(rest, child) => {
                if !key.slice(path.len()..).starts_with(&rest) {
                    return Ok(proof);
                }
                path.extend(&rest);
                child
            }
            Node::Branch(mut children) => {
                let Some(nibble) = key.get(path.len()) else {
                    return Ok(proof);
                };
                path.push(nibble);
                std::mem::take(&mut children[usize::from(nibble)])
            }
        };
        rlp = match child {
            Child::Empty | Child::Live(_) => return Ok(proof),
            // An inlined node is part of its parent and is not listed on its own.
            Child::Inline(_) => return Ok(proof),
            Child::Hash(hash) => {
                source.node(&path)?.ok_or(StateError::MissingNode { owner: source.owner(), path, hash })?
            }
        };
    }
}
