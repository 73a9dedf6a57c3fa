//! Programs of others that Alys runs with: which versions, and where they are found.
