// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// Money held for accounts, with every way a contract has of saying no.
contract Ledger {
    /// `amount` was put on `account`, under a note of the payer's choice.
    event Credited(address indexed account, uint256 indexed note, uint256 amount);

    /// `account` has less than it wants to take.
    error Insufficient(address account, uint256 available, uint256 wanted);

    /// All that is held. The first storage slot: tests read it there.
    uint256 public total;
    mapping(address => uint256) public balanceOf;
    string public name;
    address public immutable owner;

    constructor(string memory name_) {
        name = name_;
        owner = msg.sender;
    }

    /// Puts what is sent along on `account`.
    function credit(address account, uint256 note) external payable {
        balanceOf[account] += msg.value;
        total += msg.value;
        emit Credited(account, note, msg.value);
    }

    /// Takes `wanted` back. Refuses by a custom error.
    function debit(uint256 wanted) external {
        uint256 available = balanceOf[msg.sender];
        if (wanted > available) revert Insufficient(msg.sender, available, wanted);
        balanceOf[msg.sender] = available - wanted;
        total -= wanted;
        payable(msg.sender).transfer(wanted);
    }

    /// Refuses everyone else by a reason.
    function rename(string calldata name_) external {
        require(msg.sender == owner, "only the owner may rename");
        name = name_;
    }

    /// Refuses zero by a panic (0x12).
    function share(uint256 parts) external view returns (uint256) {
        return total / parts;
    }

    /// Refuses without a word.
    function never() external pure {
        revert();
    }
}
