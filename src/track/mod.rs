//! What is watched besides VRRP itself: scripts, files, processes. Pure; what a result is worth is VRRP's business.

pub mod script;
