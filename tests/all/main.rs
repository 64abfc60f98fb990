//! Every test of the whole.
