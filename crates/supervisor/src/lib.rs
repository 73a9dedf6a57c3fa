//! Starts, watches, restarts and stops the actors.
