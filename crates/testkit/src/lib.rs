//! Probes, virtual clock and contract suites for tests.
