//! The engine as a balancer: what it holds, tells and asks, event by event.

mod bench;
mod faults;
mod random;
mod reload;
mod resume;
mod schedule;
mod stories;
mod table;
