//! Both ends of the control socket's protocol, and the commands that speak it.

pub(super) mod protocol;
