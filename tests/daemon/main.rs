//! The daemon as processes, and what it does with processes, files and servers: nothing here needs a second router.

#[path = "../common/mod.rs"]
mod common;
mod place;
mod room;
#[path = "../common/smtp.rs"]
mod smtp;

mod checks;
mod control;
mod dumps;
mod genhash;
mod notify;
mod patterns;
mod process;
mod track;
