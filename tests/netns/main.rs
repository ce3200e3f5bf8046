//! Daemons and sockets in network namespaces, which take the superuser's rights. Tests run side by side: what is of a namespace
//! is of a thread, and processes and files are looked at by number and folder.

#[path = "../bench/mod.rs"]
#[expect(dead_code, unused_imports, reason = "demo, benches and soak use the rest of it")]
mod bench;
#[path = "../common/smtp.rs"]
#[expect(dead_code, reason = "each program uses a part of it")]
mod smtp;

mod auth;
mod bfd;
mod care;
mod dbus;
mod firewall;
mod kernel;
mod lan;
mod missed;
mod mixed;
mod reload;
mod resilience;
mod role;
mod routes;
mod snmp;
mod sockets;
mod traces;
mod trackers;
mod upgrade;
mod vmac;
