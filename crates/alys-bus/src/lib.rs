//! The message bus: addresses, asks, topics, clock and every actor's protocol, over ractor.
