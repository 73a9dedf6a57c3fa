"""What the scenarios need, by web3.py: one JSON request a line on standard input, one JSON answer a line.

Usage: python wallet.py <rpc-url>

A request is {"id", "method", "args"}, an answer {"id", "value"} or {"id", "error", "found"}, where `found` is what
web3.py's own exceptions make of the error. Integers that JavaScript has as BigInt travel as {"$n": "123"}.
"""

import asyncio
import json
import re
import sys

from eth_account import Account
from web3 import AsyncWeb3, Web3, WebSocketProvider
from web3.exceptions import ContractCustomError, ContractLogicError, ContractPanicError, MethodUnavailable, Web3RPCError

MNEMONIC = "test test test test test test test test test test test junk"
URL = sys.argv[1]
PATIENCE_S = 60
POLL_S = 0.2

Account.enable_unaudited_hdwallet_features()
accounts = [Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{i}") for i in range(10)]
w3 = Web3(Web3.HTTPProvider(URL))
# Signed authorizations and installed filters stay here; the scenarios hold their places.
authorizations = []
filters = []


def big(value):
    return {"$n": str(value)}


def checked(value):
    """Addresses as web3.py wants them, with their checksum."""
    if isinstance(value, str) and re.fullmatch(r"0x[0-9a-fA-F]{40}", value):
        return Web3.to_checksum_address(value)
    if isinstance(value, list):
        return [checked(one) for one in value]
    return value


def decode(value):
    """A value as JavaScript sent it."""
    if isinstance(value, dict):
        if "$n" in value:
            return int(value["$n"])
        return {key: decode(one) for key, one in value.items()}
    if isinstance(value, list):
        return [decode(one) for one in value]
    return value


def plain(value):
    """A value of web3.py for JavaScript: bytes as hex, integers as BigInt."""
    if isinstance(value, bool) or value is None or isinstance(value, (str, float)):
        return value
    if isinstance(value, int):
        return big(value)
    if isinstance(value, (bytes, bytearray)):
        return "0x" + bytes(value).hex()
    if hasattr(value, "items"):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value]


def contract(of):
    return w3.eth.contract(address=checked(of["address"]), abi=of["abi"])


def prepare(index, fields):
    """A whole transaction of the fields that a scenario names."""
    sender = accounts[index].address
    kind = fields.get("type", 2)
    tx = {"from": sender, "chainId": w3.eth.chain_id, "value": fields.get("value", 0), "data": fields.get("data", "0x")}
    if fields.get("to"):
        tx["to"] = checked(fields["to"])
    tx["nonce"] = fields["nonce"] if "nonce" in fields else w3.eth.get_transaction_count(sender, "pending")
    if kind in (0, 1):
        tx["gasPrice"] = fields.get("gasPrice") or w3.eth.gas_price
    else:
        tip = fields.get("maxPriorityFeePerGas")
        tip = w3.eth.max_priority_fee if tip is None else tip
        base = w3.eth.get_block("latest")["baseFeePerGas"]
        tx["maxPriorityFeePerGas"] = tip
        tx["maxFeePerGas"] = fields.get("maxFeePerGas") or 2 * base + tip
    if kind > 0:
        tx["type"] = kind
    if "accessList" in fields:
        tx["accessList"] = fields["accessList"]
    if "authorizationList" in fields:
        tx["authorizationList"] = [authorizations[one["$authorization"]] for one in fields["authorizationList"]]
    if "gasLimit" in fields:
        tx["gas"] = fields["gasLimit"]
    else:
        tx["gas"] = w3.eth.estimate_gas({key: value for key, value in tx.items() if key != "authorizationList"})
    return tx


def signed(index, fields):
    tx = prepare(index, fields)
    del tx["from"]
    return accounts[index].sign_transaction(tx)


def send(index, fields):
    return "0x" + w3.eth.send_raw_transaction(signed(index, fields).raw_transaction).hex()


def receipt(hash_):
    got = w3.eth.wait_for_transaction_receipt(hash_, timeout=PATIENCE_S, poll_latency=POLL_S)
    return {**plain(got), "status": got["status"], "type": got["type"], "blockNumber": got["blockNumber"]}


def block(at, full=False):
    got = w3.eth.get_block(at, full)
    return {**plain(got), "number": got["number"]}


def transaction(hash_):
    got = w3.eth.get_transaction(hash_)
    return {**plain(got), "blockNumber": got["blockNumber"]}


def deploy(index, code, args):
    made = w3.eth.contract(abi=code["abi"], bytecode=code["bytecode"])
    data = made.constructor(*checked(args)).data_in_transaction
    nonce = w3.eth.get_transaction_count(accounts[index].address, "pending")
    hash_ = send(index, {"data": data, "nonce": nonce})
    got = w3.eth.wait_for_transaction_receipt(hash_, timeout=PATIENCE_S, poll_latency=POLL_S)
    from eth_utils import keccak
    import rlp
    expected = keccak(rlp.encode([bytes.fromhex(accounts[index].address[2:]), nonce]))[12:]
    return {"address": got["contractAddress"], "expected": "0x" + expected.hex(), "hash": hash_}


def encode(abi, name, args):
    return w3.eth.contract(abi=abi).encode_abi(name, args=checked(args))


def authorize(index, address):
    account = accounts[index]
    nonce = w3.eth.get_transaction_count(account.address)
    fields = {"chainId": w3.eth.chain_id, "address": checked(address), "nonce": nonce}
    authorizations.append(account.sign_authorization(fields))
    return {"$authorization": len(authorizations) - 1}


def event(log):
    return {
        **plain(log["args"]),
        "blockNumber": log["blockNumber"],
        "transactionHash": "0x" + bytes(log["transactionHash"]).hex(),
    }


def events(of, name, args, where):
    names = {"fromBlock": "from_block", "toBlock": "to_block", "blockHash": "block_hash"}
    found = contract(of).events[name]().get_logs(
        argument_filters={key: checked(value) for key, value in args.items()},
        **{names[key]: value for key, value in where.items()},
    )
    return [event(log) for log in found]


def watch(what, of=None, name=None):
    if what == "events":
        made = contract(of).events[name].create_filter(from_block="latest")
    else:
        made = w3.eth.filter({"blocks": "latest", "transactions": "pending"}[what])
    filters.append(made)
    return len(filters) - 1


def watched(place):
    entries = filters[place].get_new_entries()
    return [event(one) if hasattr(one, "items") else "0x" + bytes(one).hex() for one in entries]


def fee_history(count, percentiles):
    got = w3.eth.fee_history(count, "latest", percentiles)
    return {
        "oldest": got["oldestBlock"],
        "baseFees": plain(got["baseFeePerGas"]),
        "ratios": list(got["gasUsedRatio"]),
        "rewards": plain(got["reward"]),
    }


async def heads(count):
    async with AsyncWeb3(WebSocketProvider(URL.replace("http", "ws", 1))) as over:
        chain_id = await over.eth.chain_id
        await over.eth.subscribe("newHeads")
        numbers = []
        async for message in over.socket.process_subscriptions():
            numbers.append(message["result"]["number"])
            if len(numbers) == count:
                return [chain_id, numbers]


METHODS = {
    "addresses": lambda: [account.address for account in accounts],
    "raw": lambda method, params: as_sent(method, params),
    "chainId": lambda: w3.eth.chain_id,
    "blockNumber": lambda: w3.eth.block_number,
    "block": block,
    "balance": lambda address, at="latest": big(w3.eth.get_balance(checked(address), at)),
    "nonce": lambda address, at="latest": w3.eth.get_transaction_count(checked(address), at),
    "code": lambda address: plain(w3.eth.get_code(checked(address))),
    "storage": lambda address, slot: plain(w3.eth.get_storage_at(checked(address), int(slot, 16))),
    "gasPrice": lambda: big(w3.eth.gas_price),
    "tip": lambda: big(w3.eth.max_priority_fee),
    "feeHistory": fee_history,
    "send": send,
    "sign": lambda index, fields: "0x" + signed(index, fields).raw_transaction.hex(),
    "broadcast": lambda raw: "0x" + w3.eth.send_raw_transaction(raw).hex(),
    "authorize": authorize,
    "estimate": lambda index, fields: big(
        w3.eth.estimate_gas({"from": accounts[index].address, **{key: checked(one) for key, one in fields.items()}})
    ),
    "receipt": receipt,
    "transaction": transaction,
    "deploy": deploy,
    "encode": encode,
    "read": lambda of, name, args=(), at="latest": plain(
        contract(of).functions[name](*checked(list(args))).call(block_identifier=at)
    ),
    "simulate": lambda index, of, name, args: plain(
        contract(of).functions[name](*checked(args)).call({"from": accounts[index].address})
    ),
    "estimateCall": lambda index, of, name, args: big(
        contract(of).functions[name](*checked(args)).estimate_gas({"from": accounts[index].address})
    ),
    "write": lambda index, of, name, args, value=0: send(
        index, {"to": of["address"], "data": encode(of["abi"], name, args), "value": value}
    ),
    "events": events,
    "watch": watch,
    "watched": watched,
    "unwatch": lambda place: w3.eth.uninstall_filter(filters[place].filter_id),
    "heads": lambda count: asyncio.run(heads(count)),
}


def as_sent(method, params):
    """A request without web3.py's reading of the answer; its errors are web3.py's."""
    answer = w3.provider.make_request(method, params)
    if "error" in answer:
        error = answer["error"]
        kind = MethodUnavailable if error["code"] == -32601 else Web3RPCError
        raise kind(error["message"], rpc_response=answer)
    return answer["result"]


def classify(error):
    """What web3.py's own exceptions make of an error."""
    if isinstance(error, ContractPanicError):
        code = re.search(r"0x([0-9a-f]{1,2})\b", str(error))
        return {"kind": "revert", "panic": int(code.group(1), 16)} if code else None
    if isinstance(error, ContractCustomError):
        return {"kind": "revert", "data": error.data}
    if isinstance(error, ContractLogicError):
        reason = re.sub(r"^execution reverted:? ?", "", error.message or "")
        return {"kind": "revert", "reason": reason}
    if isinstance(error, MethodUnavailable):
        return {"kind": "method not found"}
    if isinstance(error, Web3RPCError):
        said = (error.rpc_response or {}).get("error", {})
        if said.get("code") == -32602:
            return {"kind": "invalid params"}
        # web3.py has no classes for these; its users read the message.
        for kind, begins in {
            "nonce too low": "nonce too low",
            "insufficient funds": "insufficient funds",
            "replacement underpriced": "replacement transaction underpriced",
            "intrinsic gas too low": "intrinsic gas too low",
        }.items():
            if begins in said.get("message", ""):
                return {"kind": kind}
    return None


def main():
    for line in sys.stdin:
        request = json.loads(line)
        try:
            value = METHODS[request["method"]](*decode(request["args"]))
            answer = {"id": request["id"], "value": value}
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            answer = {"id": request["id"], "error": text, "found": classify(error)}
        print(json.dumps(answer), flush=True)


main()
