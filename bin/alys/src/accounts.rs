//! The accounts of a development chain: those of anvil and Hardhat, so that every wallet knows them.

use std::fmt;

use alloy_primitives::{Address, B256, U256, hex};
use alloy_signer_local::{MnemonicBuilder, coins_bip39::English};
use eyre::WrapErr as _;

/// The well-known words of anvil and Hardhat. Everybody has them: never send real coins there.
pub(crate) const MNEMONIC: &str = "test test test test test test test test test test test junk";

/// Where the keys are derived, and the index is appended (BIP-44, Ethereum).
const PATH: &str = "m/44'/60'/0'/0/";

/// How many accounts have coins on a new chain, unless another number is asked for; and the most that may be asked for.
pub(crate) const COUNT: u8 = 10;
pub(crate) const MOST: u8 = 100;
/// How many coins each of them has, unless another number is asked for.
pub(crate) const BALANCE: u64 = 10_000;

/// Wei in one coin.
const WEI: u64 = 1_000_000_000_000_000_000;

/// Coins in wei.
pub(crate) fn wei(coins: u64) -> U256 {
    U256::from(coins) * U256::from(WEI)
}

/// Wei as people say it: in coins where it is whole ones.
pub(crate) fn coins(wei: U256) -> String {
    let (coins, rest) = wei.div_rem(U256::from(WEI));
    if rest.is_zero() { format!("{coins} coins") } else { format!("{wei} wei") }
}

/// One account with its key.
pub(crate) struct Account {
    /// Its address.
    pub(crate) address: Address,
    /// Its secret key.
    pub(crate) key: B256,
    /// What it has in genesis, in wei.
    pub(crate) balance: U256,
}

/// The account of `words` at `index`, without coins.
pub(crate) fn derive(words: &str, index: u8) -> eyre::Result<Account> {
    let signer = MnemonicBuilder::<English>::default()
        .phrase(words)
        .index(u32::from(index))
        .and_then(|builder| builder.build())
        .wrap_err("--mnemonic is not a BIP-39 phrase")?;
    Ok(Account { address: signer.address(), key: signer.to_bytes(), balance: U256::ZERO })
}

/// What `alys dev` prints about its accounts before the first block, laid out as anvil does.
pub(crate) struct Listing<'a> {
    /// The accounts.
    pub(crate) accounts: &'a [Account],
    /// Where they come from.
    pub(crate) words: &'a str,
}

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        title(f, "Available Accounts")?;
        if self.accounts.is_empty() {
            return writeln!(
                f,
                "None of these words: {}\nIf the chain was made with others, --mnemonic shows their accounts.",
                self.words
            );
        }
        for (at, account) in self.accounts.iter().enumerate() {
            writeln!(f, "({at}) {} ({})", account.address, coins(account.balance))?;
        }
        writeln!(f)?;
        title(f, "Private Keys")?;
        for (at, account) in self.accounts.iter().enumerate() {
            writeln!(f, "({at}) 0x{}", hex::encode(account.key))?;
        }
        writeln!(f)?;
        title(f, "Wallet")?;
        writeln!(f, "Mnemonic:          {}", self.words)?;
        writeln!(f, "Derivation path:   {PATH}")?;
        writeln!(f, "These keys are public, and these coins are backed by nothing.")
    }
}

/// A heading with a line below it.
pub(crate) fn title(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    writeln!(f, "{text}\n{}\n", "=".repeat(text.len().max(18)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_accounts_are_those_every_wallet_knows() -> eyre::Result<()> {
        let mut accounts = vec![derive(MNEMONIC, 0)?, derive(MNEMONIC, 1)?];
        assert_eq!(accounts[0].address.to_string(), "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
        assert_eq!(accounts[1].address.to_string(), "0x70997970C51812dc3A010C7d01b50e0d17dc79C8");
        accounts[0].balance = wei(5);
        accounts[1].balance = U256::from(7);
        let listing = Listing { accounts: &accounts, words: MNEMONIC }.to_string();
        assert!(listing.contains("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"));
        assert!(listing.contains("(5 coins)") && listing.contains("(7 wei)"), "{listing}");
        Ok(())
    }

    #[test]
    fn words_that_are_no_phrase_are_refused() {
        assert!(derive("not a phrase", 0).is_err());
    }
}
