//! The routing netlink, raw sockets: the only code that talks to the kernel's network.
