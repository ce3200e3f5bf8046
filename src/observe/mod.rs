//! What an administrator may look at, made from the engines' snapshots. Pure.

pub mod stats;
