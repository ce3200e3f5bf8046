//! VRRP instances and what binds them together.

mod auth;
mod group;
mod instance;
mod link;

pub use auth::{AntiReplay, Auth, Hmac, HmacKey, HmacMode, Password, Secret};
pub use group::{Notify, SyncGroup};
pub use instance::{
    Carrier, Deleted, Garp, Instance, Ipvlan, IpvlanMode, OldChecksum, Peer, Preempt, Priority, Role, Transport, Version, Vmac, Vrid,
};
pub use link::{GarpGroup, LinkDelay, Linkbeat, LinkbeatMethod};

/// All that the VRRP process runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vrrp {
    pub instances: Vec<Instance>,
    pub groups: Vec<SyncGroup>,
    pub garp_groups: Vec<GarpGroup>,
    pub linkbeat: Vec<Linkbeat>,
    pub delays: Vec<LinkDelay>,
}
