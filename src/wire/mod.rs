//! Bytes of packets to values, and back. Nothing but `std`.
