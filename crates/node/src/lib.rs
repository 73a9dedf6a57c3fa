//! Composes the actors into a node.
