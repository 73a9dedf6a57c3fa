//! The execution client: the embedded EVM behind the trait that an Engine API client shares.
