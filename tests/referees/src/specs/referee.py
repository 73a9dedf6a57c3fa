"""The Ethereum execution specs as a referee: blocks in, roots out.

One process for a whole run: it imports Prague's transition function (what `t8n` calls), keeps the
state after each recent block, and judges one block per line. A line is a JSON object, and so is its
answer:

    {"genesis": {"chain_id": n, "header": rlp, "alloc": {address: account}}}
    {"block": {"header": rlp, "transactions": [bytes], "withdrawals": [rlp]}}
    {"coverage": true}

A block is judged on the state after its parent, whichever branch that is on. The answer says whether
the specs find it valid, and if not, which field they compute otherwise.
"""

import json
import signal
import sys
from collections import Counter

from ethereum.crypto.hash import keccak256
from ethereum.forks.prague import fork, state, trie, vm
from ethereum.forks.prague.blocks import Block, Header, Withdrawal
from ethereum.forks.prague.bloom import logs_bloom
from ethereum.forks.prague.fork_types import Account, Address
from ethereum.forks.prague.requests import compute_requests_hash
from ethereum.forks.prague.transactions import LegacyTransaction
from ethereum.forks.prague.vm.exceptions import OutOfGasError
from ethereum.forks.prague.vm.precompiled_contracts import MODEXP_ADDRESS
from ethereum.forks.prague.vm.precompiled_contracts.mapping import PRE_COMPILED_CONTRACTS
from ethereum.trace import EvmStop, OpStart, PrecompileStart, set_evm_trace
from ethereum_rlp import rlp
from ethereum_rlp.exceptions import RLPException
from ethereum_types.bytes import Bytes, Bytes32
from ethereum_types.numeric import U64, U256, Uint

# Calls of contracts nest up to 1024 deep, and each takes several frames here.
sys.setrecursionlimit(100_000)

# Seconds for one block: whoever waits for the answer sees the process end instead.
DEADLINE = 240

# After how many blocks the state of an old one is forgotten.
KEPT = 80

opcodes: Counter = Counter()
precompiles: Counter = Counter()


def trace(_evm, event):
    """Counts what is executed, for the table of coverage."""
    if isinstance(event, OpStart):
        opcodes[event.op.name] += 1
    elif isinstance(event, PrecompileStart):
        precompiles[int.from_bytes(event.address, "big")] += 1
    elif isinstance(event, EvmStop):
        opcodes[event.op.name] += 1


def modexp(evm, specified=PRE_COMPILED_CONTRACTS[MODEXP_ADDRESS]):
    """The specs' `modexp`, but for lengths near 2^256: version 2.20.0 adds to them before it charges
    for them, and overflows, where nobody could have paid (EIP-2565)."""
    try:
        specified(evm)
    except OverflowError as error:
        raise OutOfGasError from error


PRE_COMPILED_CONTRACTS[MODEXP_ADDRESS] = modexp


def unhex(text):
    return bytes.fromhex(text.removeprefix("0x"))


def number(text):
    return int(text, 16) if text.startswith("0x") else int(text)


class Chain:
    """The states and headers of recent blocks, by hash."""

    def __init__(self, genesis):
        self.chain_id = U64(genesis["chain_id"])
        self.known = {}
        start = state.State()
        for address, account in genesis["alloc"].items():
            address = Address(unhex(address))
            code = unhex(account.get("code") or "0x")
            nonce = Uint(number(account.get("nonce") or "0x0"))
            balance = U256(number(account["balance"]))
            state.set_account(start, address, Account(nonce, balance, code))
            for slot, value in (account.get("storage") or {}).items():
                value = U256(number(value))
                state.set_storage(start, address, Bytes32(unhex(slot)), value)
        raw = unhex(genesis["header"])
        header = rlp.decode_to(Header, raw)
        found = state.state_root(start)
        if found != header.state_root:
            raise SystemExit(f"the genesis has state root {found.hex()}")
        self.keep(keccak256(raw), start, [block_of(header, (), ())])

    def keep(self, block_hash, after, blocks):
        self.known[block_hash] = (after, blocks[-255:])
        while len(self.known) > KEPT:
            del self.known[next(iter(self.known))]

    def judge(self, message):
        raw = unhex(message["header"])
        try:
            header = rlp.decode_to(Header, raw)
        except RLPException as error:
            return {"valid": False, "error": f"header: {error!r}"}
        if header.parent_hash not in self.known:
            return {"valid": False, "error": "unknown parent", "unknown_parent": True}
        before, blocks = self.known[header.parent_hash]
        after = copied(before)
        try:
            transactions = tuple(transaction(unhex(tx)) for tx in message["transactions"])
            withdrawals = tuple(
                rlp.decode_to(Withdrawal, unhex(one)) for one in message["withdrawals"]
            )
            block = block_of(header, transactions, withdrawals)
            computed = self.execute(after, blocks, block)
        # Mostly an EthereumException. The specs' own slips (an index out of range for a transaction
        # of no bytes) mean a block that they do not take, too.
        except Exception as error:
            return {"valid": False, "error": f"{type(error).__name__}: {error}"}
        wrong = [
            f"{name} is {plain(value)}, the header says {plain(getattr(header, name))}"
            for name, value in computed.items()
            if value != getattr(header, name)
        ]
        if wrong:
            return {"valid": False, "error": "; ".join(wrong)}
        self.keep(keccak256(raw), after, blocks + [block])
        return {"valid": True, "hash": keccak256(raw).hex()}

    def execute(self, after, blocks, block):
        header = block.header
        chain = fork.BlockChain(blocks=blocks, state=after, chain_id=self.chain_id)
        fork.validate_header(chain, header)
        environment = vm.BlockEnvironment(
            chain_id=self.chain_id,
            state=after,
            block_gas_limit=header.gas_limit,
            block_hashes=fork.get_last_256_block_hashes(chain),
            coinbase=header.coinbase,
            number=header.number,
            base_fee_per_gas=header.base_fee_per_gas,
            time=header.timestamp,
            prev_randao=header.prev_randao,
            excess_blob_gas=header.excess_blob_gas,
            parent_beacon_block_root=header.parent_beacon_block_root,
        )
        output = fork.apply_body(environment, block.transactions, block.withdrawals)
        return {
            "gas_used": output.block_gas_used,
            "transactions_root": trie.root(output.transactions_trie),
            "receipt_root": trie.root(output.receipts_trie),
            "bloom": logs_bloom(output.block_logs),
            "withdrawals_root": trie.root(output.withdrawals_trie),
            "blob_gas_used": output.blob_gas_used,
            "requests_hash": compute_requests_hash(output.requests),
            "state_root": state.state_root(after),
        }


def block_of(header, transactions, withdrawals):
    return Block(header=header, transactions=transactions, ommers=(), withdrawals=withdrawals)


def transaction(raw):
    """Legacy transactions stand in a block as lists, all others as bytes (EIP-2718)."""
    if raw and raw[0] >= 0xC0:
        return rlp.decode_to(LegacyTransaction, raw)
    return Bytes(raw)


def copied(before):
    after = state.State()
    after._main_trie = trie.copy_trie(before._main_trie)
    after._storage_tries = {
        address: trie.copy_trie(slots) for address, slots in before._storage_tries.items()
    }
    return after


def plain(value):
    if isinstance(value, bytes):
        return value.hex() if len(value) <= 32 else f"{value[:8].hex()}…"
    return str(value)


def main():
    set_evm_trace(trace)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    chain = None
    for line in sys.stdin:
        signal.alarm(DEADLINE)
        message = json.loads(line)
        if "genesis" in message:
            chain = Chain(message["genesis"])
            answer = {"valid": True}
        elif "block" in message:
            answer = chain.judge(message["block"])
        else:
            answer = {"opcodes": dict(opcodes), "precompiles": dict(precompiles)}
        signal.alarm(0)
        print(json.dumps(answer), flush=True)


main()
