//! A trie node and its RLP form.

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::{EMPTY_STRING_CODE, Encodable, Header};
use nybbles::Nibbles;

/// The most nibbles a key can have: those of a 32-byte hash.
const MAX_NIBBLES: usize = 64;

/// The RLP header byte from which on an item is a list.
const LIST_OFFSET: u8 = 0xc0;

/// A node, decoded.
#[derive(Debug)]
pub(super) enum Node {
    /// The end of a path, with its value.
    Leaf(Nibbles, Vec<u8>),
    /// Nibbles that all keys below share.
    Extension(Nibbles, Child),
    /// A fork; a branch has at least two children.
    Branch(Box<Children>),
}

/// The sixteen children of a branch.
pub(super) type Children = [Child; 16];

/// What a node knows about one of its children.
#[derive(Debug, Default)]
pub(super) enum Child {
    /// There is none.
    #[default]
    Empty,
    /// It is stored under its own path, and this is its hash.
    Hash(B256),
    /// Its RLP is shorter than a hash and stands in the parent.
    Inline(Bytes),
    /// It was loaded or made by the update under way and is not encoded yet.
    Live(Box<Node>),
}

impl Child {
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// The reference to a node with this RLP.
    pub(super) fn refer(rlp: &Bytes) -> Self {
        if rlp.len() < B256::len_bytes() { Self::Inline(rlp.clone()) } else { Self::Hash(keccak256(rlp)) }
    }

    fn length(&self) -> usize {
        match self {
            Self::Empty | Self::Live(_) => 1,
            Self::Hash(hash) => hash.length(),
            Self::Inline(rlp) => rlp.len(),
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            // A live child is turned into a reference before its parent is encoded.
            Self::Empty | Self::Live(_) => out.push(EMPTY_STRING_CODE),
            Self::Hash(hash) => hash.encode(out),
            Self::Inline(rlp) => out.extend_from_slice(rlp),
        }
    }
}

impl Node {
    /// The RLP of the node. Its children must not be [`Child::Live`].
    pub(super) fn encode(&self) -> Bytes {
        let out = match self {
            Self::Leaf(path, value) => {
                let path = compact(path, true);
                let mut out = list(path.as_slice().length() + value.as_slice().length());
                path.as_slice().encode(&mut out);
                value.as_slice().encode(&mut out);
                out
            }
            Self::Extension(path, child) => {
                let path = compact(path, false);
                let mut out = list(path.as_slice().length() + child.length());
                path.as_slice().encode(&mut out);
                child.encode(&mut out);
                out
            }
            Self::Branch(children) => {
                let mut out = list(children.iter().map(Child::length).sum::<usize>() + 1);
                for child in children.iter() {
                    child.encode(&mut out);
                }
                out.push(EMPTY_STRING_CODE);
                out
            }
        };
        Bytes::from(out)
    }

    /// Reads a node from its RLP; the reason is for an error message.
    pub(super) fn decode(rlp: &Bytes) -> Result<Self, &'static str> {
        let mut rest: &[u8] = rlp;
        let header = Header::decode(&mut rest).map_err(|_| "not RLP")?;
        if !header.list || header.payload_length != rest.len() {
            return Err("not one RLP list");
        }
        let mut items = Vec::with_capacity(17);
        while !rest.is_empty() {
            if items.len() == 17 {
                return Err("more than 17 items");
            }
            items.push(Item::take(&mut rest)?);
        }
        match items.as_slice() {
            [path, value] => {
                let (path, leaf) = expand(path.payload)?;
                if leaf {
                    Ok(Self::Leaf(path, value.payload.to_vec()))
                } else {
                    Ok(Self::Extension(path, value.child(rlp)?))
                }
            }
            [children @ .., value] if children.len() == 16 => {
                if !value.payload.is_empty() {
                    return Err("a branch with a value");
                }
                let mut branch: Box<Children> = Box::default();
                for (slot, item) in branch.iter_mut().zip(children) {
                    *slot = item.child(rlp)?;
                }
                Ok(Self::Branch(branch))
            }
            _ => Err("neither 2 nor 17 items"),
        }
    }
}

/// One RLP item of a node.
struct Item<'a> {
    payload: &'a [u8],
    whole: &'a [u8],
}

impl<'a> Item<'a> {
    fn take(rest: &mut &'a [u8]) -> Result<Self, &'static str> {
        let all = *rest;
        let header = Header::decode(rest).map_err(|_| "a damaged RLP item")?;
        let payload = rest.get(..header.payload_length).ok_or("a short RLP item")?;
        *rest = &rest[header.payload_length..];
        Ok(Self { payload, whole: &all[..all.len() - rest.len()] })
    }

    fn child(&self, node: &Bytes) -> Result<Child, &'static str> {
        match (self.whole.first(), self.payload.len()) {
            (Some(&EMPTY_STRING_CODE), 0) => Ok(Child::Empty),
            (Some(first), _) if *first >= LIST_OFFSET => Ok(Child::Inline(node.slice_ref(self.whole))),
            (_, 32) => Ok(Child::Hash(B256::from_slice(self.payload))),
            _ => Err("a reference that is no hash"),
        }
    }
}

fn list(payload_length: usize) -> Vec<u8> {
    let header = Header { list: true, payload_length };
    let mut out = Vec::with_capacity(header.length() + payload_length);
    header.encode(&mut out);
    out
}

/// The hex-prefix encoding of a path (Yellow Paper, appendix C).
fn compact(path: &Nibbles, leaf: bool) -> Vec<u8> {
    let flag = if leaf { 2u8 } else { 0 };
    let odd = path.len() % 2;
    let mut out = Vec::with_capacity(path.len() / 2 + 1);
    if odd == 1 {
        out.push(((flag + 1) << 4) | path.first().unwrap_or_default());
    } else {
        out.push(flag << 4);
    }
    out.extend_from_slice(&path.slice(odd..).pack());
    out
}

fn expand(bytes: &[u8]) -> Result<(Nibbles, bool), &'static str> {
    let (&first, rest) = bytes.split_first().ok_or("an empty path")?;
    let flag = first >> 4;
    let odd = flag & 1 == 1;
    if flag > 3 || (!odd && first & 0x0f != 0) || rest.len() * 2 + usize::from(odd) > MAX_NIBBLES {
        return Err("a path that is not hex-prefix encoded");
    }
    let mut path = Nibbles::new();
    if odd {
        path.push(first & 0x0f);
    }
    path.extend(&Nibbles::unpack(rest));
    Ok((path, flag & 2 == 2))
}
