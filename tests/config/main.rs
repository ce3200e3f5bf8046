//! Configurations and what they mean: read, understood, written back, and told what is wrong with them.

#[path = "../common/mod.rs"]
mod common;
mod folder;

mod differences;
mod dump;
mod examples;
mod golden;
mod hostile;
mod keywords;
mod reader;
