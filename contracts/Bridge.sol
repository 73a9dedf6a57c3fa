// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The bridge of Alys: coins burned here are paid out on Bitcoin.
/// @notice Stands at 0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB from the genesis block on. Nobody owns it, nothing
/// upgrades it, and no coin that came in ever leaves: a burn is final here, and what follows from it (a payout on
/// Bitcoin, or new coins for the burner where it cannot be paid or was cancelled in time) is decided by the consensus
/// of the chain, which reads this contract's events.
/// @dev Calls no other contract, so nothing can re-enter and no log can come between the two that a request emits.
/// It has no constructor: the genesis writes the first storage slot, and the chain spec's check compares it.
contract Bridge {
    /// @dev Where this code stands. Anywhere else (a copy, a delegate call, an EIP-7702 delegation) its events mean
    /// nothing, so it takes no coins there.
    address private constant BRIDGE = 0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB;

    /// @dev One satoshi, in wei.
    uint256 private constant WEI_PER_SAT = 10 ** 10;

    /// @dev What is kept of a request, in one slot: enough to know who may cancel it, and whether they did.
    struct PegOut {
        address burner;
        bool cancelled;
    }

    /// @notice The least burn, in sat. Slot 0, which nothing writes after genesis: `peg.min_payout` of the chain spec.
    uint256 public minPayoutSat;

    /// @notice The id of the next request. Ids count up from 0, in the order of the events. Slot 1.
    uint64 public nextId;

    /// @notice Who made a request, and whether they asked to cancel it; the zero address for an id not given out.
    /// @dev Says nothing about what became of the request: ask a node of the chain.
    mapping(uint256 id => PegOut) public pegOuts;

    /// @notice Coins were burned, to be paid out on Bitcoin. `PegOutTerms` of the same request is the very next log.
    /// @param evmAddress Who burned them, and gets them back where they cannot be paid out.
    /// @param bitcoinAddress The text of the Bitcoin address, as it was given.
    /// @param value What was burned, in wei.
    event RequestPegOut(address indexed evmAddress, bytes bitcoinAddress, uint256 value);

    /// @notice The rest of the request whose `RequestPegOut` is the log before this one.
    /// @param id The request's id.
    /// @param maxFee The highest share of the payout's fee that the burner bears, in wei; the highest number: no limit.
    event PegOutTerms(uint256 indexed id, uint256 maxFee);

    /// @notice The burner wants the coins back instead. Whether the request was still queued is decided by consensus.
    /// @param evmAddress Who made the request, and cancels it.
    /// @param id The request's id.
    event CancelPegOut(address indexed evmAddress, uint256 indexed id);

    /// @notice The burn is below the least one. Both in wei.
    error BelowMinimum(uint256 value, uint256 minimum);

    /// @notice Nothing was sent along. Where genesis wrote a minimum, `BelowMinimum` says so first.
    error NothingToBurn();

    /// @notice The burn, in wei, is not a whole number of satoshis (10^10 wei).
    error NotWholeSats(uint256 value);

    /// @notice No Bitcoin address that can be paid has a text of this many bytes.
    error ImpossibleLength(uint256 length);

    /// @notice Nobody made this request: the id is not given out yet.
    error UnknownPegOut(uint256 id);

    /// @notice The caller did not make this request.
    error NotYourPegOut(uint256 id, address caller);

    /// @notice The request was cancelled before.
    error AlreadyCancelled(uint256 id);

    /// @notice This code runs for another address than the bridge's, where nobody would pay out anything.
    error NotTheBridge(address here);

    /// @notice Burns the coins sent along, to be paid out to a Bitcoin address, whatever share of the fee falls on it.
    /// @param bitcoinAddress The text of the address, its ASCII bytes: P2PKH, P2SH, P2WPKH, P2WSH or P2TR. One that is
    /// none of this chain's Bitcoin network is not refused here; the coins come back to the caller.
    /// @return id The request's id.
    function requestPegOut(bytes calldata bitcoinAddress) external payable returns (uint256 id) {
        return _burn(bitcoinAddress, type(uint256).max);
    }

    /// @notice Burns the coins sent along, to be paid out to a Bitcoin address, with a bound on the fee.
    /// @param bitcoinAddress The text of the address, as above.
    /// @param maxFee The highest share of the payout's fee that the caller bears, in wei. The request waits while fees
    /// are higher, and after the chain's deadline the coins come back to the caller.
    /// @return id The request's id.
    function requestPegOut(string calldata bitcoinAddress, uint256 maxFee) external payable returns (uint256 id) {
        return _burn(bytes(bitcoinAddress), maxFee);
    }

    /// @notice Asks for the coins of an own request back. Does nothing more than to say so: consensus gives them back if
    /// the request is not in a payout by then, and goes on paying it if it is.
    /// @param id The request's id.
    function cancelPegOut(uint256 id) external {
        PegOut storage pegOut = pegOuts[id];
        // Nobody signs as the zero address, but `eth_call` without a sender comes from it: it made no request either.
        if (pegOut.burner == address(0)) revert UnknownPegOut(id);
        if (pegOut.burner != msg.sender) revert NotYourPegOut(id, msg.sender);
        if (pegOut.cancelled) revert AlreadyCancelled(id);
        pegOut.cancelled = true;
        emit CancelPegOut(msg.sender, id);
    }

    /// @dev The one way in. What it lets pass is a burn; what it does not, keeps its coins.
    function _burn(bytes calldata bitcoinAddress, uint256 maxFee) private returns (uint256 id) {
        if (address(this) != BRIDGE) revert NotTheBridge(address(this));
        uint256 minimum = minPayoutSat * WEI_PER_SAT;
        if (msg.value < minimum) revert BelowMinimum(msg.value, minimum);
        // Where genesis wrote no minimum (a test that puts only the code there), nothing would still be a burn.
        if (msg.value == 0) revert NothingToBurn();
        if (msg.value % WEI_PER_SAT != 0) revert NotWholeSats(msg.value);
        if (!_isPossibleLength(bitcoinAddress.length)) revert ImpossibleLength(bitcoinAddress.length);
        id = nextId++;
        pegOuts[id].burner = msg.sender;
        emit RequestPegOut(msg.sender, bitcoinAddress, msg.value);
        emit PegOutTerms(id, maxFee);
    }

    /// @dev The lengths of what can be paid, on any Bitcoin network. Base58Check of 25 bytes has 26 to 35 characters
    /// (26: a P2PKH hash of almost only zero bytes; 35: P2SH on test networks). Bech32 and Bech32m (BIP-173, BIP-350)
    /// have the prefix `bc`, `tb` or `bcrt`, a separator, a version, 32 characters for 20 bytes or 52 for 32, and 6 of
    /// a checksum: 42 or 44, and 62 or 64.
    function _isPossibleLength(uint256 length) private pure returns (bool) {
        return (length >= 26 && length <= 35) || length == 42 || length == 44 || length == 62 || length == 64;
    }
}
