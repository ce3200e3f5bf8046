//! The machine: what the rest of the program only knows as traits and values.

pub mod files;
pub mod host;
