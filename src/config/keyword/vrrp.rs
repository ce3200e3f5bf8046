//! VRRP instances, groups and trackers.
