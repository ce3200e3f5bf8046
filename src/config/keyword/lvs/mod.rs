//! Virtual servers, their groups and real servers.

pub mod group;
pub mod real_server;
pub mod tls;
pub mod value;
pub mod virtual_server;
