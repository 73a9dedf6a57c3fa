#!/usr/bin/env python3
"""Golden vectors for the protocol's encoding, made by an independent SSZ implementation.

    python3 -m venv venv && venv/bin/pip install remerkleable==0.1.28
    venv/bin/python crates/primitives/tests/primitives/golden/generate.py > crates/primitives/tests/primitives/golden/golden.json

Types are written down again here, from docs/protocol.md and not from the Rust sources, so a slip on
either side shows. Values come from a counter: every byte differs from its neighbours.
"""
import hashlib
import json
import sys

from remerkleable.basic import boolean, uint8, uint16, uint32, uint64, uint256
from remerkleable.byte_arrays import ByteList, ByteVector, Bytes32, Bytes48, Bytes96
from remerkleable.complex import Container, List, Vector

Bytes20 = ByteVector[20]
Bytes64 = ByteVector[64]
Bytes80 = ByteVector[80]


class VoteData(Container):
    epoch: uint64
    kind: uint8
    slot: uint64
    height: uint64
    block: Bytes32


class SigningData(Container):
    domain: Bytes32
    chain_id: uint64
    data: VoteData


class Vote(Container):
    data: VoteData
    member: uint8
    share: Bytes96


class Certificate(Container):
    data: VoteData
    signature: Bytes96


class Header(Container):
    version: uint32
    epoch: uint64
    height: uint64
    slot: uint64
    proposer: uint8
    parent: Bytes32
    payload_hash: Bytes32
    body_root: Bytes32
    peg_root: Bytes32


class SignedHeader(Container):
    header: Header
    signature: Bytes64


class SignedVote(Container):
    vote: Vote
    signature: Bytes64


class EnvelopeData(Container):
    domain: Bytes32
    chain_id: uint64
    kind: uint8
    member: uint8
    content: Bytes32


class Deposit(Container):
    transaction: ByteList[131072]
    outputs: List[uint32, 64]
    recipients: List[Bytes20, 64]
    index: uint32
    branch: List[Bytes32, 32]
    header: Bytes32


class BurnId(Container):
    block: Bytes32
    log_index: uint64


class PayoutProposal(Container):
    replaces: List[Bytes32, 1]
    burns: List[BurnId, 1024]
    transaction: ByteList[131072]


class Settlement(Container):
    txid: Bytes32
    index: uint32
    branch: List[Bytes32, 32]
    header: Bytes32


class AuxPow(Container):
    previous_anchor: Bytes32
    bundle: List[Bytes32, 65536]
    fee_recipient: Bytes20
    bits: uint32
    coinbase: ByteList[131072]
    coinbase_branch: List[Bytes32, 32]
    chain_branch: List[Bytes32, 32]
    chain_index: uint32
    parent: Bytes80


class Governance(Container):
    kind: uint16
    content: ByteList[65536]
    members: List[uint8, 31]
    signatures: List[Bytes64, 31]


class Handover(Container):
    certificates: List[Certificate, 2]


class Equivocation(Container):
    proposals: List[SignedHeader, 2]
    votes: List[SignedVote, 2]


class Body(Container):
    justification: List[Certificate, 2]
    handover: List[Handover, 1]
    bitcoin_headers: List[Bytes80, 2016]
    deposits: List[Deposit, 1024]
    payouts: List[PayoutProposal, 16]
    settlements: List[Settlement, 64]
    auxpow: List[AuxPow, 1]
    governance: List[Governance, 16]
    evidence: List[Equivocation, 16]


class Withdrawal(Container):
    index: uint64
    validator_index: uint64
    address: Bytes20
    amount: uint64


class ExecutionPayload(Container):
    parent_hash: Bytes32
    fee_recipient: Bytes20
    state_root: Bytes32
    receipts_root: Bytes32
    logs_bloom: ByteVector[256]
    prev_randao: Bytes32
    block_number: uint64
    gas_limit: uint64
    gas_used: uint64
    timestamp: uint64
    extra_data: ByteList[32]
    base_fee_per_gas: uint256
    block_hash: Bytes32
    transactions: List[ByteList[2**30], 2**20]
    withdrawals: List[Withdrawal, 2**16]
    blob_gas_used: uint64
    excess_blob_gas: uint64


class Block(Container):
    header: Header
    body: Body
    payload: ExecutionPayload
    execution_requests: List[ByteList[2**20], 16]


class SignedProposal(Container):
    block: Block
    signature: Bytes64


class Anchor(Container):
    height: uint64
    block: Bytes32
    bits: uint32
    slot: uint64


class Credit(Container):
    address: Bytes20
    gwei: uint64


class PegState(Container):
    utxos: Bytes32
    credited: Bytes32
    unclaimed: Bytes32
    burns: Bytes32
    payouts: Bytes32
    relay_tip: Bytes32
    fee_pot: uint256
    anchor: Anchor
    epoch: uint64
    next_withdrawal: uint64
    deposits_due: List[Credit, 1048576]
    remints_due: List[Credit, 1048576]
    burned: uint256


class Burn(Container):
    log_index: uint64
    id: uint64
    burner: Bytes20
    bitcoin_address: ByteList[2**20]
    value: uint256
    max_fee: uint256


class Cancellation(Container):
    log_index: uint64
    id: uint64
    burner: Bytes20


# Facts are stored and never hashed: the limits of their lists stand in no encoding.
class ExecutionFacts(Container):
    burns: List[Burn, 2**20]
    cancellations: List[Cancellation, 2**20]
    fees: uint256
    gas: uint64


# The digest of a chain spec: its JSON in another order, and a list for each map.
Text = ByteList[64]
NETWORKS = ["bitcoin", "testnet4", "signet", "regtest"]


class BlocksRoot(Container):
    genesis_ms: uint64
    slot_ms: uint64
    gas_limit: uint64
    fee_sink: Bytes20
    max_withdrawals: uint64
    max_body: uint64


class MiningRoot(Container):
    merged_mining_chain_id: uint32
    max_unanchored: uint64
    anchor_spacing: uint64
    half_life: uint64
    hardest_bits: uint32
    easiest_bits: uint32


class PegRoot(Container):
    network: uint8
    checkpoint_height: uint64
    checkpoint_header: Bytes80
    relay_lag: uint64
    deposit_confirmations: uint64
    min_deposit: uint64
    min_payout: uint64
    payout_confirmations: uint64
    payout_deadline: uint64
    bump_after: uint64
    min_fee_rate: uint64
    max_fee_rate: uint64
    max_consolidation: uint64


class MemberRoot(Container):
    name: Text
    identity: Bytes32
    bitcoin: Bytes32
    fee_address: Bytes20


class SlotRoot(Container):
    key: Bytes32
    value: Bytes32


class AccountRoot(Container):
    address: Bytes20
    balance: uint256
    nonce: uint64
    code: ByteList[24576]
    storage: List[SlotRoot, 65536]


class SpecRoot(Container):
    name: Text
    chain_id: uint64
    development: boolean
    blocks: BlocksRoot
    mining: MiningRoot
    peg: PegRoot
    members: List[MemberRoot, 31]
    commitment: List[Bytes48, 31]
    base_fee: uint64
    extra_data: ByteList[32]
    accounts: List[AccountRoot, 65536]


class Counter:
    """Bytes that never repeat in a short run: SHA-256 of a counter."""

    def __init__(self, seed):
        self.seed, self.count = seed, 0

    def bytes(self, length):
        out = b""
        while len(out) < length:
            out += hashlib.sha256(f"{self.seed}/{self.count}".encode()).digest()
            self.count += 1
        return out[:length]


def fill(kind, counter, items):
    """A value of `kind`: `items` elements in each list, as many bytes in each byte list."""
    if kind is boolean:
        return boolean(counter.bytes(1)[0] & 1)
    if issubclass(kind, (uint8, uint16, uint32, uint64, uint256)):
        size = kind.type_byte_length()
        return kind(int.from_bytes(counter.bytes(size), "little"))
    if issubclass(kind, ByteVector):
        return kind(counter.bytes(kind.type_byte_length()))
    if issubclass(kind, ByteList):
        return kind(counter.bytes(min(items * 33, kind.limit())))
    if issubclass(kind, Container):
        fields = {}
        for name, of in kind.fields().items():
            fields[name] = fill(of, counter, items)
            if kind is VoteData and name == "kind":
                fields[name] = uint8(int(fields[name]) & 1)
        return kind(**fields)
    if issubclass(kind, List):
        count = min(items, kind.limit())
        return kind(*[fill(kind.element_cls(), counter, items) for _ in range(count)])
    raise TypeError(kind)


def text(counter, length):
    return Text(counter.bytes(length).hex()[:length].encode())


def spec(network, items):
    """A spec with `items` elements in each list; names of 0, 32 and 64 characters."""
    counter = Counter(f"ChainSpec-{network}-{items}")
    root = fill(SpecRoot, counter, items)
    root.name = text(counter, 32 * items)
    root.development = boolean(items & 1)
    root.peg.network = uint8(NETWORKS.index(network))
    for member in root.members:
        member.name = text(counter, 32 * items)
    # A map has no order: what is hashed is sorted by key.
    for account in root.accounts:
        account.storage = List[SlotRoot, 65536](*sorted(account.storage, key=lambda slot: bytes(slot.key)))
    root.accounts = List[AccountRoot, 65536](*sorted(root.accounts, key=lambda account: bytes(account.address)))
    return root


def plain(value):
    """A value as it stands in JSON."""
    if isinstance(value, Text):
        return bytes(value).decode()
    if isinstance(value, uint256):
        return hex(int(value))
    if isinstance(value, boolean):
        return bool(value)
    if isinstance(value, (uint8, uint32, uint64)):
        return int(value)
    if isinstance(value, (ByteVector, ByteList)):
        return "0x" + bytes(value).hex()
    if isinstance(value, Container):
        return {name: plain(getattr(value, name)) for name in value.fields()}
    return [plain(item) for item in value]


def spec_json(root):
    """The spec file whose digest is the root of `root`. Keys of maps stand in reverse order."""
    flat = plain(root)
    peg = dict(flat["peg"], network=NETWORKS[flat["peg"]["network"]])
    peg["checkpoint"] = {"height": peg.pop("checkpoint_height"), "header": peg.pop("checkpoint_header")}
    accounts = {}
    for account in reversed(flat["accounts"]):
        account["storage"] = {slot["key"]: slot["value"] for slot in reversed(account["storage"])}
        accounts[account.pop("address")] = account
    return {
        "name": flat["name"], "chain_id": flat["chain_id"], "development": flat["development"],
        "blocks": flat["blocks"], "mining": flat["mining"], "peg": peg,
        "federation": {"members": flat["members"], "commitment": flat["commitment"]},
        "execution_genesis": {"base_fee": flat["base_fee"], "extra_data": flat["extra_data"], "accounts": accounts},
    }


def main():
    kinds = [VoteData, Vote, Certificate, Header, SignedHeader, SignedVote, Deposit, BurnId, PayoutProposal, Settlement,
             AuxPow, Governance, Handover, Equivocation, Body, SignedProposal, Block, Anchor, Credit, PegState, Burn, Cancellation,
             ExecutionFacts]
    vectors = []
    for kind in kinds:
        for items in (0, 1, 2):
            value = fill(kind, Counter(f"{kind.__name__}-{items}"), items)
            vectors.append({
                "type": kind.__name__, "items": items, "ssz": value.encode_bytes().hex(),
                "root": bytes(value.hash_tree_root()).hex(),
            })
    domain = lambda text: hashlib.sha256(text.encode()).digest()
    data = fill(VoteData, Counter("VoteData-1"), 1)
    vote = fill(Vote, Counter("Vote-1"), 1)
    header = fill(Header, Counter("Header-1"), 1)
    chain_id = 0x0123456789abcdef
    roots = {
        "chain_id": str(chain_id),
        "vote_data": SigningData(domain=domain("alys/vote/1"), chain_id=chain_id, data=data),
        "vote_envelope": EnvelopeData(domain=domain("alys/envelope/1"), chain_id=chain_id, kind=1, member=vote.member,
                                      content=vote.hash_tree_root()),
        "proposal_envelope": EnvelopeData(domain=domain("alys/envelope/1"), chain_id=chain_id, kind=0,
                                          member=header.proposer, content=header.hash_tree_root()),
    }
    signing = {k: v if isinstance(v, str) else bytes(v.hash_tree_root()).hex() for k, v in roots.items()}
    specs = []
    for network, items in (("bitcoin", 0), ("testnet4", 1), ("signet", 2), ("regtest", 2)):
        root = spec(network, items)
        specs.append({"spec": spec_json(root), "digest": bytes(root.hash_tree_root()).hex()})
    json.dump({"made_by": "remerkleable 0.1.28", "vectors": vectors, "signing_roots": signing, "specs": specs}, sys.stdout,
              indent=1)
    print()


main()
