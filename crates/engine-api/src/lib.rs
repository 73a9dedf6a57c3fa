//! Client of the Engine API.
