//! global_defs and the process keywords.
